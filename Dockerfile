# The embedded default in one container: the exchange, the stubs and traffic; the ledger is on the volume /data.
FROM python:3.11-slim

WORKDIR /app
COPY requirements.lock pyproject.toml README.md ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY exchange exchange
COPY schemas schemas
COPY adapters adapters
COPY partners partners
COPY benchmarks benchmarks
RUN pip install --no-cache-dir hatchling==1.27.0 editables==0.5 \
 && pip install --no-cache-dir --no-deps --no-build-isolation . \
 && useradd --system --uid 10001 exchange \
 && install -d -o exchange /data

USER exchange
WORKDIR /data
# Inside the container every address; docker-compose.yml publishes the port on the host's loopback only.
ENV EXCHANGE_SERVER__HOST=0.0.0.0 \
    EXCHANGE_STORAGE__URL=sqlite:////data/exchange.db \
    EXCHANGE_PARTNERS__DIRECTORY=/data/keys/directory.toml \
    EXCHANGE_PARTNERS__STUBS_DIRECTORY=/data/keys/stubs.toml
EXPOSE 8080
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health/ready', timeout=2)"]
# Keys are made at the first start, on the volume; the log says where they are.
CMD ["sh", "-c", "exchange keys init /data/keys && exec exchange run --port 8080"]
