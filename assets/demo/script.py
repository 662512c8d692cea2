"""What the demo's API answers: the words of every part in it."""

# The coding agent's turns, in their order: what it thinks, says and calls.
AGENT = [
    {
        "thinking": "The user wants the flaky test fixed. I should see the failure before I read any code.",
        "text": "I'll run the test a few times first, to see how it fails.",
        "tool": ("run_tests", {"filter": "retry_backoff", "times": 20}),
    },
    {
        "text": "3 of 20 runs fail, always in `retry_backoff`. Let me look at the code it tests.",
        "tool": ("read_file", {"path": "src/retry.py"}),
    },
    {
        "thinking": "`sleep` is computed from the wall clock. If the clock is stepped back between the two reads, the delay is negative. The monotonic clock is the usual answer, but is it documented to be shared between threads?",
        "text": "The delay is computed from `time.time()`, which may step back. I'll have the documentation checked while I prepare the change.",
        "tool": ("task", {"description": "Check time.monotonic", "prompt": "Is time.monotonic() system-wide in CPython, and what is its resolution?"}),
    },
    {
        "text": "Confirmed: `time.monotonic()` never goes back and is shared by all threads. Now the change:",
        "tool": (
            "edit_file",
            {
                "path": "src/retry.py",
                "old": "deadline = time.time() + delay\nwhile time.time() < deadline:",
                "new": "deadline = time.monotonic() + delay\nwhile time.monotonic() < deadline:",
            },
        ),
    },
    {
        "text": "And the test again, more often than before.",
        "tool": ("run_tests", {"filter": "retry_backoff", "times": 200}),
    },
    {
        "text": (
            "The test is fixed: **200 of 200** runs pass.\n\n"
            "## What was wrong\n\n"
            "`retry_backoff` measured its delay with the wall clock. Whenever NTP stepped the "
            "clock back between two reads, the deadline lay in the past and the loop ended at once.\n\n"
            "## What I changed\n\n"
            "```python\n"
            "deadline = time.monotonic() + delay\n"
            "while time.monotonic() < deadline:\n"
            "    poll(deadline - time.monotonic())\n"
            "```\n\n"
            "- `src/retry.py`: two lines, no change of the interface\n"
            "- no other caller of `time.time()` computes a duration\n\n"
            "Shall I open a pull request?"
        ),
    },
]

# The turns of the agent that it starts.
SUBAGENT = [
    {
        "text": "I'll look at the documentation of the time module.",
        "tool": ("fetch", {"url": "https://docs.python.org/3/library/time.html"}),
    },
    {
        "text": (
            "`time.monotonic()` is system-wide: its reference point is undefined, but equal for all "
            "threads and processes of one boot. On Linux it reads `CLOCK_MONOTONIC`, with a resolution "
            "of one nanosecond. It cannot go backwards, and is not affected by updates of the system clock."
        ),
    },
]

# What the chat program is told, by a word of the question.
CHAT = {
    "What is a uprobe": (
        "A **uprobe** is a breakpoint that the kernel plants in a user-space "
        "function.\n\n1. The process reaches the probed instruction.\n2. The kernel runs "
        "a small, verified eBPF program.\n3. The process goes on; nothing was "
        "restarted, nothing recompiled.\n\nllmtop plants its probes in `SSL_write` and "
        "`SSL_read`: the one place where every request is still plaintext."
    ),
    "cost": (
        "The trap into the kernel and back, for each call, and a copy of what was read or "
        "written:\n\n| what | where |\n|---|---|\n| requests | `SSL_write` |\n| answers | "
        "`SSL_read` |\n\nA model answers with some hundred events a second. A probe that takes "
        "microseconds is not noticed there."
    ),
    "haiku": "Probes in the kernel,\nquiet as the falling snow:\nevery token seen.",
    "release notes": (
        "Here are the release notes:\n\n- Exchanges seen at both ends of one machine are "
        "shown once.\n- Recordings play anywhere, without root.\n- Lost bytes are counted "
        "and marked where they were lost.\n\nShall I publish them?"
    ),
    "commit message": "retry: measure delays with the monotonic clock\n\nThe wall clock may step back, and a wait then ended at once.",
}


def chat(question):
    """The answer to a question."""
    return next((text for word, text in CHAT.items() if word in question), "Hello! How can I help?")
