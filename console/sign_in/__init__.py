"""How people sign in, and as whom a page then works.

`way` is the process's one way: `oidc` (with `sessions` and `return_path`), `proxy`, `development` (with `loopback`), or
a sign-in of one's own. Each makes an `identity`, from `claims` if the company's directory has any; `settings` reads its
tables. `gate` stands before Streamlit, `tab` is the session of one tab, `roles` adds what is on record and makes the
page's caller, and `screens` draws.
"""
