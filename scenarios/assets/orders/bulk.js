/** What can be done with several orders at once: asked for in a dialog, posted, and confirmed in a toast. */

const at = (id) => document.getElementById(id);
const orders = (count) => (count === 1 ? "1 order" : `${count} orders`);
const TOAST_SECONDS = 8;

export function toast(text, icon = "check") {
  const made = at("toast").content.cloneNode(true).firstChild;
  made.querySelector("use").setAttribute("href", `#i-${icon}`);
  made.querySelector("span").textContent = text;
  at("toasts").replaceChildren(made);
  setTimeout(() => made.remove(), TOAST_SECONDS * 1000);
}

export function drawBulk(selected) {
  at("bulk").hidden = selected.size === 0;
  at("bulk-count").textContent = `${orders(selected.size)} selected`;
}

function warningOf(chosen) {
  const held = chosen.filter((o) => o.status === "hold").length;
  const done = chosen.filter((o) => ["shipped", "delivered", "cancelled"].includes(o.status)).length;
  return [held && `${held} on hold`, done && `${done} already shipped, delivered or cancelled`].filter(Boolean).join(", ");
}

export function setUpBulk({ rows, selected, clear, shipped }) {
  const dialog = at("confirm");
  let ids = [];

  at("bulk-clear").addEventListener("click", clear);
  at("ship").addEventListener("click", () => {
    const chosen = rows.filter((o) => selected.has(o.id));
    const warning = warningOf(chosen);
    ids = chosen.map((o) => o.id).sort();
    at("confirm-title").textContent = `Mark ${orders(ids.length)} as shipped?`;
    at("confirm-text").textContent = ids.length === 1 ? "The customer gets an email with the tracking link." : "Each customer gets one email with the tracking links.";
    at("confirm-warning").hidden = !warning;
    at("confirm-warning").lastElementChild.textContent = `Look again: ${warning}.`;
    at("confirm-list").textContent = ids.join(", ");
    dialog.showModal();
    at("confirm-yes").focus({ focusVisible: false });
  });
  at("confirm-no").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  at("confirm-yes").addEventListener("click", async () => {
    at("confirm-yes").disabled = true;
    try {
      const reply = await fetch("/api/orders/ship", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ids }) });
      if (!reply.ok) throw new Error(String(reply.status));
      shipped(ids);
      toast(`${orders(ids.length)} marked as shipped`);
    } catch {
      toast("Nothing was changed: the server can’t be reached", "alert");
    } finally {
      at("confirm-yes").disabled = false;
      dialog.close();
    }
  });
}
