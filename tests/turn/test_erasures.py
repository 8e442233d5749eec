"""What an owner wants erased is gone from every record and entry, and that it was there stays."""

from tests.support.desks import ASKER
from tests.support.erasable import desk_over, held, written


async def test_what_was_written_is_in_no_entry_and_no_record_after_an_erasure(store):
    async with desk_over(store) as desk:
        thread = await written(desk, store)
        before = await held(store)
        print("\n".join(before))
        await desk.ask_erasure(ASKER, thread)
        await desk.recover()
        print(await held(store))
        assert 0
