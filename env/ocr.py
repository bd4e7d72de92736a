"""Text read off a picture, with RapidOCR (PP-OCR models that come inside its wheel; nothing is downloaded)."""

import asyncio
import functools
import io
from collections.abc import Callable, Sequence
from typing import Any

from env.base import Line
from tools.geometry import Rect

_LEAST_SCORE = 0.5
_PARAMETERS = {
    "Global.log_level": "error",
    "Global.use_cls": False,  # text on a screen stands upright
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,  # two threads that wait for each other spin: twice the work
    "Rec.rec_batch_num": 1,  # a batch is padded to its longest line: twice the work again
}


@functools.cache
def _engine() -> Any:
    """Loaded once per process: it takes two seconds."""
    import logging

    from rapidocr import RapidOCR

    engine: Any = RapidOCR(params=_PARAMETERS)
    engine.recognize_txt = _remembering(engine.recognize_txt)
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return engine


def _remembering(recognise: Callable[[Sequence[Any]], Any]) -> Callable[[Sequence[Any]], Any]:
    """Reads each line's picture once: on a screen that changes few lines do, and reading them is most of the work."""
    import numpy
    from rapidocr.ch_ppocr_rec import TextRecOutput

    @functools.lru_cache(maxsize=1024)
    def read(shape: tuple[int, ...], pixels: bytes) -> tuple[str, float, Any]:
        out = recognise([numpy.frombuffer(pixels, dtype=numpy.uint8).reshape(shape)])
        return out.txts[0], out.scores[0], out.word_results[0]

    def remembered(lines: Sequence[Any]) -> Any:
        said = [read(line.shape, line.tobytes()) for line in lines]
        texts, scores, words = zip(*said, strict=True) if said else ((), (), ())
        return TextRecOutput(imgs=list(lines), txts=texts, scores=list(scores), word_results=words)

    return remembered


async def read_lines(png: bytes) -> tuple[Line, ...]:
    """Lines of text in reading order; rectangles in pixels of the picture. About a second at 1280x720 on one core."""
    return await asyncio.to_thread(_read, png)


@functools.lru_cache(maxsize=8)  # a picture that did not change is read once
def _read(png: bytes) -> tuple[Line, ...]:
    import numpy
    from PIL import Image

    picture = numpy.asarray(Image.open(io.BytesIO(png)).convert("RGB"))[:, :, ::-1]
    result = _engine()(picture)
    if result.boxes is None:
        return ()
    lines = [
        Line(
            text=text,
            rect=Rect(
                int(min(x for x, _ in box)), int(min(y for _, y in box)),
                int(max(x for x, _ in box)), int(max(y for _, y in box)),
            ),
            score=float(score),
        )
        for text, box, score in zip(result.txts, result.boxes, result.scores, strict=True)
        if score >= _LEAST_SCORE
    ]  # fmt: skip
    return tuple(sorted(lines, key=lambda line: (line.rect.top // 10, line.rect.left)))
