"""A desk behind FastAPI: a page with an EventSource, AG-UI, and the AI SDK's UI message stream.

    uvicorn --app-dir examples fastapi_app:app

Any number of these servers may share the store: each one continues the streams that another began.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse

from backends import open_model, open_store
from console.frontends import ag_ui, ai_sdk
from console.frontends.errors import error_response
from core import Desk, RolltopError, Turn, Viewer


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    model = open_model(os.environ.get("CHAT_MODEL", "offline:"))
    async with open_store(os.environ.get("CHAT_STORE", "sqlite:///chat.db")) as store, Desk(store, model) as desk:
        app.state.desk = desk
        yield


def signed_in() -> Viewer:
    return Viewer("e-1042")  # Stand-in: take the user from your session, never from what the browser sends.


app = FastAPI(lifespan=lifespan)
User = Annotated[Viewer, Depends(signed_in)]
app.add_api_route("/", lambda: FileResponse(Path(__file__).with_name("fastapi_page.html")))


def chunks(user: Viewer, turn: Turn, after: str | None) -> StreamingResponse:
    events = app.state.desk.follow(user, turn.id)
    return StreamingResponse(ai_sdk.ui_message_stream(turn, events, after), headers=ai_sdk.HEADERS)


@app.exception_handler(RolltopError)
async def refused(_: Request, error: RolltopError) -> JSONResponse:
    status, headers = error_response(error)
    return JSONResponse({"error": str(error)}, status, headers)


@app.post("/threads")
async def create_thread(user: User) -> dict[str, str]:
    return {"id": (await app.state.desk.create_thread(user)).id}


@app.post("/threads/{thread}/turns")
async def ask(thread: str, body: dict[str, str], user: User) -> dict[str, str]:
    return {"id": (await app.state.desk.submit(user, thread, body["text"], body["request_id"])).id}


@app.get("/turns/{turn_id}/stream")
async def stream(turn_id: str, user: User, last_event_id: Annotated[str | None, Header()] = None) -> StreamingResponse:
    return chunks(user, await app.state.desk.archive.turn(user, turn_id), last_event_id)


@app.post("/api/chat")
async def chat(body: dict[str, Any], user: User) -> StreamingResponse:
    return chunks(user, *await ai_sdk.chat_request(body).carry_out(app.state.desk, user))


@app.get("/api/chat/{thread}/stream")
async def resume(thread: str, user: User, last_event_id: Annotated[str | None, Header()] = None) -> Response:
    open_turn = (await app.state.desk.archive.thread(user, thread)).open
    turn = await app.state.desk.archive.turn(user, open_turn.turn) if open_turn else None
    return chunks(user, turn, last_event_id) if turn else Response(status_code=204)


@app.post("/ag-ui")
async def run(body: dict[str, Any], user: User) -> StreamingResponse:
    turn, after = await ag_ui.run_request(body).carry_out(app.state.desk, user)
    events = app.state.desk.follow(user, turn.id)
    return StreamingResponse(ag_ui.run_events(turn, events, after, run_id=body["runId"]), headers=ag_ui.HEADERS)
