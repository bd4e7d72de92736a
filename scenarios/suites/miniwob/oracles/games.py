"""Numbers to guess or to generate, and a game to win."""

from scenarios.suites.miniwob.page import Page, solves

_LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))


@solves("generate-number")
async def generated(page: Page) -> None:
    """Until one fits."""
    while True:
        await page.click("#generate")
        if _fits(int((await page.one("#display-number")).text), page.goal):
            break
    await page.submit()


def _fits(number: int, goal: str) -> bool:
    if "odd" in goal or "even" in goal:
        return number % 2 == ("odd" in goal)
    bound = int(goal.split("than ")[1].split(",")[0])
    return number < bound if "less" in goal else number > bound


@solves("guess-number")
async def guessed(page: Page) -> None:
    """Halves what is left."""
    low, high = 0, 9
    while True:
        guess = (low + high) // 2
        await page.fill("#tt", str(guess))
        await page.submit()
        if await page.sees("#higher"):
            low = guess + 1
        else:
            high = guess - 1


@solves("tic-tac-toe")
async def tic_tac_toe(page: Page) -> None:
    """The best move against an opponent who plays at random as often as not."""
    while True:
        marks = [element.attributes.get("class", "") for element in await page.all(".ttt-row span")]
        board = tuple("x" if "mark-x" in mark else "o" if "mark-o" in mark else "" for mark in marks)
        move = max((n for n in range(9) if not board[n]), key=lambda n: _worth(_with(board, n, "x"), "o"))
        await page.click(f"#ttt-{move}")


Board = tuple[str, ...]


def _with(board: Board, place: int, mark: str) -> Board:
    return (*board[:place], mark, *board[place + 1 :])


def _won(board: Board, mark: str) -> bool:
    return any(all(board[n] == mark for n in line) for line in _LINES)


def _worth(board: Board, turn: str) -> float:
    """How likely X wins: O takes half of its moves at random, and the others where it wins or must not lose."""
    if _won(board, "x"):
        return 1.0
    free = [n for n in range(9) if not board[n]]
    if _won(board, "o") or not free:
        return 0.0
    worths = {n: _worth(_with(board, n, turn), "x" if turn == "o" else "o") for n in free}
    if turn == "x":
        return max(worths.values())
    random = sum(worths.values()) / len(free)
    keen = [n for n in free if _won(_with(board, n, "o"), "o")] or [n for n in free if _won(_with(board, n, "x"), "x")]
    return 0.55 * random + 0.45 * (sum(worths[n] for n in keen) / len(keen) if keen else random)
