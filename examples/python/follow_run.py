#!/usr/bin/env python3
"""Starts a run on a Lema daemon and follows it to its end, also over lost connections.

    pip install grpcio grpcio-tools
    python3 -m grpc_tools.protoc -I ../../protos --python_out=. --grpc_python_out=. ../../protos/lema/v1/*.proto

or, with Debian's packages python3-grpcio, protobuf-compiler-grpc and libprotobuf-dev,

    protoc -I ../../protos --python_out=. --grpc_out=. --plugin=protoc-gen-grpc=$(command -v grpc_python_plugin) ../../protos/lema/v1/*.proto

and then

    python3 follow_run.py 127.0.0.1:5090 DATA/admin.token lema-tiny my-rows
"""

import sys
import time

import grpc

from lema.v1 import settings_pb2, training_pb2, training_pb2_grpc


def follow(training, token, run):
    """Yields every event of a run once, in order, and returns when the run has ended."""
    request = training_pb2.WatchRunRequest(run=run, after_sequence=0)
    pause = 0.25
    while True:
        try:
            for message in training.WatchRun(request, metadata=token):
                pause = 0.25
                if message.WhichOneof("kind") == "snapshot":
                    request.after_sequence = message.snapshot.sequence
                    continue
                for event in message.events.events:
                    request.after_sequence = event.sequence.last
                    yield event
            return
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.OUT_OF_RANGE:
                continue
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL):
                raise
            time.sleep(pause)
            pause = min(pause * 2, 10)


def main(address, token_file, model, dataset):
    with open(token_file, encoding="ascii") as file:
        token = [("authorization", "Bearer " + file.read().strip())]
    options = [("grpc.keepalive_time_ms", 20000), ("grpc.keepalive_timeout_ms", 20000)]
    with grpc.insecure_channel(address, options) as channel:
        training = training_pb2_grpc.TrainingStub(channel)
        run = training.StartRun(
            training_pb2.StartRunRequest(model=model, dataset=dataset, settings=settings_pb2.RunSettings(steps=20)), metadata=token)
        print("run", run.summary.name)
        for event in follow(training, token, run.summary.id):
            for point in event.steps.points:
                print(f"step {point.step} loss {point.loss:.4f}")
            if event.WhichOneof("body") == "state":
                print("state", training_pb2.RunState.Name(event.state.to), event.state.reason)
        state = training.GetRun(training_pb2.GetRunRequest(run=run.summary.id), metadata=token).summary.state
    return 0 if state == training_pb2.RUN_STATE_COMPLETED else 1


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
