"""Follows a URL with sseclient-py until the channel is over. One JSON line for each event."""

import json
import sys
import time

import requests
import sseclient

TIMEOUT = (5, 60)  # to connect, and without a byte; a heartbeat comes every 15 s
OPTIONS = {} if "--untold" in sys.argv else {"timeout": TIMEOUT}


def follow(url):
    last_id, retry_s = "", 2.0
    while True:
        headers = {"Accept": "text/event-stream"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        try:
            with requests.get(url, headers=headers, stream=True, **OPTIONS) as response:
                if response.status_code == 204:
                    return
                if response.status_code == 200:
                    for event in sseclient.SSEClient(response).events():
                        last_id = event.id or last_id
                        if event.retry:
                            retry_s = int(event.retry) / 1000
                        yield event, last_id
        except requests.RequestException:
            pass  # cut: what was unfinished is dropped, and asked for again
        time.sleep(retry_s)


for event, event_id in follow(sys.argv[-1]):
    print(json.dumps({"event": event.event, "data": event.data, "id": event_id}), flush=True)
