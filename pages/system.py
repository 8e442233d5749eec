"""System: how the installation is, what it lacks, and what needs an operator, in numbers and names of settings."""

import streamlit as st

from console.app import app
from console.drawing.handbook_checks import draw_health
from console.drawing.system import (
    draw_examination,
    draw_findings,
    draw_recovery,
    draw_store,
    draw_versions,
    draw_waiting,
)
from console.sign_in.roles import current_caller

st.set_page_config(page_title="System", layout="centered")
caller = current_caller()
viewer, run, stream = caller.viewer, caller.run, caller.stream

st.title("System", anchor=False)
st.caption("Administration · numbers and settings, and nothing of what people wrote · your look is recorded.")
health = run(app().health(viewer))

draw_waiting(health.state)

st.subheader("To do", anchor=False)
examined = draw_examination(lambda: stream(app().examine(viewer)))
draw_findings(examined or health.findings, whole=examined is not None)

st.subheader("Store", anchor=False)
draw_store(health.store, health.promises, health.state)
draw_recovery(health.state)

st.subheader("Handbooks", anchor=False)
draw_health(health.handbooks)

st.subheader("Versions", anchor=False)
draw_versions(health.versions)
