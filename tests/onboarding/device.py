"""An analyzer that nobody has a driver for: it speaks LIS2-A2 with delimiters of its own over a pseudo-terminal. People and values are invented.

    python -m tests.onboarding.device

prints the device that stands for its serial line, and sends its results to whoever opens it.
"""

from __future__ import annotations

import asyncio

from lis_bridge.catalogue.manifest.dialect import Dialect
from lis_bridge.simulate.pty import PtyLink
from lis_bridge.simulate.speech import voice_of

NAMES = ("WBC", "RBC", "HGB", "HCT", "MCV", "PLT", "LY%", "QGR", "XMN")
UNITS = ("10^9/L", "10^12/L", "g/dL", "%", "fL", "10^9/L", "%", "%", "")
TUBES = (
    ("2603200117", "赵^试一", "M", ("6.42", "4.61", "14.1", "42.1", "91.3", "233", "31.5", "60.2", "7.7")),
    ("2603200118", "钱^试二", "F", ("11.80", "3.92", "11.6", "35.0", "89.3", "318", "14.8", "79.9", "5.1")),
    ("2603200119", "孙^试三", "F", ("4.05", "4.20", "12.9", "38.7", "92.1", "186", "38.0", "53.5", "***")),
)  # fmt: skip
DIALECT = Dialect.model_validate({"kind": "lis2", "framing": [{"kind": "lis1a"}], "results": [{"code": "R-3.4", "value": "R-4"}]})


def messages() -> list[bytes]:
    """What it sends, one message a tube."""
    return [_message(number, *tube).encode("gb18030") for number, tube in enumerate(TUBES)]


def _message(number: int, barcode: str, name: str, sex: str, values: tuple[str, ...]) -> str:
    clock = f"202603200914{10 + number}"
    results = (
        f"R|{row}|^^^{code}|{value}|{unit}||||F||||{clock}"
        for row, (code, value, unit) in enumerate(zip(NAMES, values, UNITS, strict=True), start=1)
    )
    lines = (
        rf"H|@^\|||Tianhe^X5^1.2|||||||P|1|{clock}",
        f"P|1||A{number}||{name}||19800{1 + number}01|{sex}",
        f"O|1|{barcode}||^^^CBC|R",
    )
    return "\r".join((*lines, *results, "L|1|N", ""))


async def play(link: PtyLink) -> None:
    """Sends everything to the first who opens the line, and stays."""
    async for channel in link.connections():
        voice = voice_of(DIALECT, channel)
        for number, message in enumerate(messages()):
            await voice.say(message, str(number))
        await asyncio.Event().wait()


def main() -> None:
    link = PtyLink()
    print(link.device, flush=True)
    asyncio.run(play(link))


if __name__ == "__main__":
    main()
