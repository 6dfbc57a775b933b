"""A Capstan agent in Python, written against the public contract alone: nothing of Capstan is imported.

It offers two capabilities: `word-count` counts the words of a text, and `greet` asks a person a question first.
To make it your own, change the part between the two lines and leave the rest as it is.
"""

import asyncio, json, os, re, signal, time, uuid
from collections import Counter

import nats

NAMESPACE = os.environ.get("CAPSTAN_NAMESPACE", "capstan")
QUEUE = os.environ.get("CAPSTAN_QUEUE", "python-demo")
INSTANCE = os.environ.get("CAPSTAN_INSTANCE") or uuid.uuid4().hex[:8]
AGENT = f"{QUEUE}.{INSTANCE}"
CONCURRENCY = int(os.environ.get("CAPSTAN_CONCURRENCY", "4"))
NAME_TAKEN = 10071  # the server's code for: something is stored under this subject already
running = {}  # (task, step, attempt) -> the asyncio task that works on it

# ----------------------------------------------------------------------------------------------------------------------


def failed(code, message, retryable=True):
    return {"outcome": "failed", "error": {"code": code, "message": message, "retryable": retryable}}


async def word_count(order, tell):
    """Input: `text`, and `pause_ms` to rest that long after each line. Output: `words` and `counts`."""
    text, pause_ms = order["input"].get("text"), order["input"].get("pause_ms", 0)
    if not isinstance(text, str):
        # Trying again would fail again, so say so: the step then fails at once instead of after three attempts.
        return failed("invalid_input", "input.text must be a text", retryable=False)
    counts, lines = Counter(), text.splitlines()
    for done, line in enumerate(lines, start=1):
        counts.update(re.findall(r"\w+", line.lower()))
        await tell(100 * done / len(lines), f"line {done} of {len(lines)}")
        # Let the loop breathe: heartbeats and cancels travel on it. (Heavy work belongs into asyncio.to_thread.)
        await asyncio.sleep(pause_ms / 1000)
    return {"outcome": "succeeded", "output": {"words": sum(counts.values()), "counts": dict(counts.most_common(100))}}


async def greet(order, tell):
    """Asks whom to greet. The answer comes in a new order, together with the state that was left with the question."""
    if "answer" not in order:
        state = {"asked_by": AGENT}
        return {"outcome": "question", "question": {"text": "Whom shall I greet?", "state": state}}
    greeting = f"Hello, {order['answer']['value']}!"
    return {"outcome": "succeeded", "output": {"greeting": greeting, "asked_by": order["state"]["asked_by"]}}


CAPABILITIES = {"word-count": word_count, "greet": greet}

# ----------------------------------------------------------------------------------------------------------------------


async def announce(js, stopping):
    """A key in the bucket of agents lives ten seconds, so it is written anew every three; silence means gone."""
    record = {"v": 1, "queue": QUEUE, "instance": INSTANCE, "capabilities": list(CAPABILITIES), "version": "1.0.0"}
    record |= {"concurrency": CONCURRENCY, "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    while True:
        record |= {"busy": len(running), "health": "draining" if stopping.is_set() else "ok"}
        try:
            # A bucket is a stream underneath: this subject is the key `<queue>.<instance>` of `capstan_agents`.
            await js.publish(f"$KV.{NAMESPACE}_agents.{AGENT}", json.dumps(record).encode())
        except nats.errors.Error as error:
            print(f"not announced yet: {error!r}", flush=True)
        await asyncio.sleep(3)


async def beat(message, order):
    """Tells the server that the order is being worked on, three times as often as it must."""
    while True:
        await asyncio.sleep(min(order["heartbeat_ms"], 30_000) / 3_000)
        await message.in_progress()


async def work_on(nc, order):
    """Runs the capability and turns whatever happens into an outcome."""
    task_id, step_id, attempt = order["task_id"], order["step_id"], order["attempt"]

    async def tell(percent, text, kind="progress"):  # for watching, not for relying on: core NATS, not stored
        body = {"attempt": attempt, "agent": AGENT, "kind": kind, "percent": percent, "message": text}
        await nc.publish(f"{NAMESPACE}.progress.{task_id}.{step_id}", json.dumps(body).encode())

    if order["capability"] not in CAPABILITIES:
        return failed("unknown_capability", f"{QUEUE} does not offer {order['capability']}", retryable=False)
    await tell(0, order["capability"], "started")
    work = running[task_id, step_id, attempt] = asyncio.create_task(CAPABILITIES[order["capability"]](order, tell))
    await asyncio.wait([work])
    del running[task_id, step_id, attempt]
    if work.cancelled():
        return {"outcome": "cancelled"}
    return failed("crashed", repr(work.exception())) if work.exception() else work.result()


async def report(js, order, body):
    """Stores the report. Its subject is its name, accepted once, so saying it again until it is stored is harmless."""
    while True:
        try:
            once = {"Nats-Expected-Last-Subject-Sequence": "0"}
            return await js.publish(order["report_to"], json.dumps(body).encode(), headers=once)
        except nats.errors.Error as error:
            if getattr(error, "err_code", None) == NAME_TAKEN:
                return None  # this attempt has been reported before: success
            print(f"report not stored yet: {error!r}", flush=True)
            await asyncio.sleep(1)


async def pull(nc, js, stopping):
    """Takes one order after the other; CONCURRENCY of these run side by side."""
    orders = await js.pull_subscribe_bind(durable=QUEUE, stream=f"{NAMESPACE.upper()}_ORDERS")
    while not stopping.is_set():
        try:
            [message] = await orders.fetch(1, timeout=2)
        except nats.errors.Error:  # nothing to do just now, or Capstan has not made the queue yet: within a second it will
            await asyncio.sleep(0.1)
            continue
        order, started = json.loads(message.data), time.monotonic()
        beating = asyncio.create_task(beat(message, order))
        body = {"v": 1, "agent": AGENT} | {name: order[name] for name in ("task_id", "step_id", "attempt", "lease")}
        body |= await work_on(nc, order)
        await report(js, order, body | {"usage": {"wall_ms": round(1000 * (time.monotonic() - started))}})
        await message.ack()  # only now: the other way round, a crash in between would lose the answer
        beating.cancel()


async def main():
    stopping = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    login = {name: os.environ.get(f"CAPSTAN_NATS_{name.upper()}") for name in ("user", "password")}
    url = os.environ.get("CAPSTAN_NATS_URL", "nats://127.0.0.1:4222")
    nc = await nats.connect(url, max_reconnect_attempts=-1, **login)
    js = nc.jetstream()

    async def on_cancel(message):  # the capability sees a CancelledError where it awaits, and may clean up
        task_id, step_id = message.subject.split(".")[-2:]
        if work := running.get((task_id, step_id, json.loads(message.data)["attempt"])):
            work.cancel()

    await nc.subscribe(f"{NAMESPACE}.cancel.*.*", cb=on_cancel)
    _announcing = asyncio.create_task(announce(js, stopping))  # kept in a name, or it could be collected
    await asyncio.gather(*(pull(nc, js, stopping) for _ in range(CONCURRENCY)))  # ends once what runs is reported
    await nc.flush()
    await nc.close()


if __name__ == "__main__":
    asyncio.run(main())
