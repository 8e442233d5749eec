# The console's server. tests/serving/test_image.py carries out these steps where there is no Docker.
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements-image.lock .
RUN python -m venv /opt/rolltop
RUN --mount=type=cache,target=/root/.cache/pip /opt/rolltop/bin/pip install --require-hashes -r requirements-image.lock
COPY . .
RUN /opt/rolltop/bin/pip install --no-deps --no-index --no-build-isolation .
RUN /opt/rolltop/bin/pip uninstall --yes setuptools pip

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home rolltop
COPY --from=build /opt/rolltop /opt/rolltop
ENV PATH=/opt/rolltop/bin:/usr/local/bin:/usr/bin:/bin
# The working folder: an SQLite store, the index of handbooks and rolltop.toml are here.
WORKDIR /data
VOLUME /data
USER 10001
EXPOSE 8501
ENTRYPOINT ["rolltop"]
CMD ["serve", "--host", "0.0.0.0"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD python -c "from urllib.request import urlopen; \
    urlopen('http://127.0.0.1:8501${STREAMLIT_SERVER_BASE_URL_PATH:+/$STREAMLIT_SERVER_BASE_URL_PATH}/health/live', timeout=5)"
