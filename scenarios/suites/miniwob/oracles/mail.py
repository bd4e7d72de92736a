"""Mail: found by its sender, then answered, forwarded, starred or deleted."""

from scenarios.suites.miniwob.page import Page, solves

_GIVEN = "(said => said.fields ?? null)(core.getUtterance())"
_ACTIONS = {"reply to them": "reply", "forward that": "forward", "trash icon": "delete", "star icon": "star"}


@solves(
    "email-inbox", "email-inbox-delete", "email-inbox-forward", "email-inbox-forward-nl",
    "email-inbox-forward-nl-turk", "email-inbox-important", "email-inbox-nl-turk", "email-inbox-noscroll",
    "email-inbox-reply", "email-inbox-star-reply",
)  # fmt: skip
async def mail(page: Page) -> None:
    """Where people worded the goal, the page also gives it in fields."""
    fields = await page.script(_GIVEN) or _fields(page)
    nth = (await page.texts("#main .email-thread .email-sender")).index(fields["by"])
    action = fields.get("task", "forward")
    if action in ("delete", "star", "important"):
        await page.click(f"#main .email-actions .{'trash' if action == 'delete' else 'star'}", nth=nth)
        return
    await page.click("#main .email-thread .email-subject", nth=nth)
    await page.click(f"#email .email-{action}")
    if action == "reply":
        await page.fill("#reply-text", fields["message"])
    else:
        await page.fill(".forward-sender", fields["to"])
    await page.click(f"#send-{action}")


def _fields(page: Page) -> dict[str, str]:
    task = next(action for words, action in _ACTIONS.items() if words in page.goal)
    by = page.told(r"email by (.*?) and ")
    if task == "reply":
        return {"task": task, "by": by, "message": page.quoted[0]}
    return {"task": task, "by": by} | ({"to": page.told(r"email to (.*)\.")} if task == "forward" else {})
