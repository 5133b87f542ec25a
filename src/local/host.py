"""Serves one model over HTTP the way SageMaker's framework containers do.

Standard library only. The folders, the program and the file that takes the port come as arguments.
The program may define model_fn, input_fn, predict_fn and output_fn, or transform_fn in place of the
last three; the defaults below do what their counterparts in the framework containers do for JSON
and CSV.
"""

import csv
import importlib.util
import io
import json
import os
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TEXT = ("application/json", "application/jsonlines", "text/csv", "text/plain")
BODY_BYTES_MAX = 100 * 1024 * 1024


class Unsupported(Exception):
    """A content type that the defaults cannot read or write."""


def plain_type(content_type):
    return content_type.split(";")[0].strip().lower()


def number_or_text(cell):
    try:
        return float(cell)
    except ValueError:
        return cell


def default_model_fn(model_dir):
    raise NotImplementedError("the inference program defines no model_fn(model_dir)")


def default_input_fn(body, content_type):
    kind = plain_type(content_type)
    if kind == "application/json":
        return json.loads(body)
    if kind == "application/jsonlines":
        return [json.loads(line) for line in body.splitlines() if line.strip()]
    if kind == "text/csv":
        rows = csv.reader(io.StringIO(body))
        return [[number_or_text(cell) for cell in row] for row in rows if row]
    raise Unsupported("content type %s is not supported" % content_type)


def default_predict_fn(data, model):
    return model.predict(data)


def default_output_fn(prediction, accept):
    kind = plain_type(accept)
    if hasattr(prediction, "tolist"):
        prediction = prediction.tolist()
    if kind in ("application/json", "*/*", ""):
        return json.dumps(prediction), "application/json"
    if kind == "application/jsonlines":
        return "\n".join(json.dumps(row) for row in prediction) + "\n", kind
    if kind == "text/csv":
        rows = prediction if isinstance(prediction, (list, tuple)) else [prediction]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        for row in rows:
            writer.writerow(row if isinstance(row, (list, tuple)) else [row])
        return out.getvalue(), kind
    raise Unsupported("accept type %s is not supported" % accept)


def load(program):
    folder = os.path.dirname(program)
    sys.path.insert(0, folder)
    name = os.path.splitext(os.path.basename(program))[0]
    spec = importlib.util.spec_from_file_location(name, program)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Model:
    def __init__(self, program, model_dir):
        module = load(program)
        self.transform_fn = getattr(module, "transform_fn", None)
        self.input_fn = getattr(module, "input_fn", default_input_fn)
        self.predict_fn = getattr(module, "predict_fn", default_predict_fn)
        self.output_fn = getattr(module, "output_fn", default_output_fn)
        self.model = getattr(module, "model_fn", default_model_fn)(model_dir)

    def answer(self, body, content_type, accept):
        if plain_type(content_type) in TEXT:
            body = body.decode("utf-8")
        if self.transform_fn is not None:
            result = self.transform_fn(self.model, body, content_type, accept)
        else:
            data = self.input_fn(body, content_type)
            result = self.output_fn(self.predict_fn(data, self.model), accept)
        if isinstance(result, tuple):
            content, kind = result
        elif hasattr(result, "response") and hasattr(result, "mimetype"):
            content, kind = result.response, result.mimetype
        else:
            content, kind = result, accept if accept != "*/*" else "application/json"
        if hasattr(content, "__next__"):
            return map(encoded, content), kind
        return encoded(content), kind


def encoded(content):
    return content.encode("utf-8") if isinstance(content, str) else bytes(content)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    wbufsize = -1
    disable_nagle_algorithm = True
    model = None

    def do_GET(self):
        if self.path == "/ping":
            self.reply(200, b"", "text/plain")
        else:
            self.reply(404, b"not found", "text/plain")

    def do_POST(self):
        if self.path != "/invocations":
            return self.reply(404, b"not found", "text/plain")
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError:
            length = -1
        if not 0 <= length <= BODY_BYTES_MAX:
            self.close_connection = True
            return self.reply(400, b"a Content-Length is needed", "text/plain")
        body = self.rfile.read(length)
        content_type = self.headers.get("Content-Type") or "application/json"
        accept = self.headers.get("Accept") or ""
        if accept in ("", "*/*"):
            accept = "application/json"
        try:
            content, kind = self.model.answer(body, content_type, accept)
        except Unsupported as error:
            return self.reply(415, str(error).encode("utf-8"), "text/plain")
        except Exception:
            trace = traceback.format_exc()
            sys.stderr.write(trace)
            sys.stderr.flush()
            return self.reply(500, trace.encode("utf-8"), "text/plain")
        if isinstance(content, bytes):
            self.reply(200, content, kind)
        else:
            self.stream(content, kind)

    def stream(self, parts, kind):
        """What an iterator gives, piece by piece; a failure on the way breaks the connection."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in parts:
            if part:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def reply(self, status, content, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, form, *values):
        if self.path != "/ping":
            sys.stdout.write("%s\n" % (form % values))
            sys.stdout.flush()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    program, model_dir, port_file = sys.argv[1:4]
    Handler.model = Model(program, model_dir)
    server = Server(("127.0.0.1", 0), Handler)
    with open(port_file + ".new", "w") as out:
        out.write(str(server.server_address[1]))
    os.replace(port_file + ".new", port_file)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()
