# The embedded default in one container: the exchange, the stubs and traffic; the ledger is on the volume /data.
# The first stage has what building needs; the image has what running needs (by its lock file) and nothing else of ours.
FROM python:3.14-slim AS build
# Certificates of a private authority, if any, by which packages are fetched and partners are called.
COPY docker/certificates /usr/local/share/ca-certificates/
RUN update-ca-certificates
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt
WORKDIR /build
RUN python -m venv /app \
 && /app/bin/python -m pip install --no-cache-dir hatchling==1.27.0
# requirements-telemetry.lock: with what sends spans to a collector.
ARG LOCK=requirements.lock
COPY $LOCK pyproject.toml README.md ./
# Wheels only: nothing is compiled, and nobody's setup.py runs.
RUN python -m venv --without-pip /app/run \
 && /app/bin/python -m pip --python /app/run/bin/python install --no-cache-dir \
    --only-binary :all: --require-hashes -r $LOCK
COPY exchange exchange
COPY schemas schemas
COPY adapters adapters
COPY partners partners
COPY benchmarks benchmarks
RUN /app/bin/python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir wheels . \
 && /app/bin/python -m pip --python /app/run/bin/python install --no-cache-dir --no-deps wheels/*.whl

FROM python:3.14-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin exchange \
 && install -d -o exchange /data
COPY --from=build /etc/ssl/certs /etc/ssl/certs
COPY --from=build /app/run /app/run

USER 10001
WORKDIR /data
# Inside the container every address; docker-compose.yml publishes the port on the host's loopback only.
ENV PATH=/app/run/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    EXCHANGE_SERVER__HOST=0.0.0.0 \
    EXCHANGE_STORAGE__URL=sqlite:////data/exchange.db \
    EXCHANGE_PARTNERS__DIRECTORY=/data/keys/directory.toml \
    EXCHANGE_PARTNERS__STUBS_DIRECTORY=/data/keys/stubs.toml
EXPOSE 8080
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health/ready', timeout=2)"]
# Keys are made at the first start, on the volume; the log says where they are.
CMD ["sh", "-c", "exchange keys init /data/keys && exec exchange run --port 8080 --rate ${RATE:-50}"]
