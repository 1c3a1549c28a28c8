"""Follows a URL with httpx-sse until the channel is over. One JSON line for each event."""

import json
import sys
import time

import httpx
from httpx_sse import connect_sse

# httpx gives up after 5 s without a byte; a heartbeat comes every 15 s
TIMEOUT = httpx.Timeout(5, read=60)
OPTIONS = {} if "--untold" in sys.argv else {"timeout": TIMEOUT}


def follow(url):
    last_id, retry_s = "", 2.0
    with httpx.Client(**OPTIONS) as client:
        while True:
            headers = {"Last-Event-ID": last_id} if last_id else {}
            try:
                with connect_sse(client, "GET", url, headers=headers) as source:
                    if source.response.status_code == 204:
                        return
                    if source.response.status_code == 200:
                        for event in source.iter_sse():
                            last_id = event.id or last_id
                            if event.retry is not None:
                                retry_s = event.retry / 1000
                            if event.id:  # none: a refusal, whose retry is an event to httpx-sse
                                yield event
            except httpx.TransportError:
                pass  # cut: what was unfinished is dropped, and asked for again
            time.sleep(retry_s)


for event in follow(sys.argv[-1]):
    print(json.dumps({"event": event.event, "data": event.data, "id": event.id}), flush=True)
