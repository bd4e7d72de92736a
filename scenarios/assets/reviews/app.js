import { at, data, make, post, show, toast } from "/kit/kit.js";

const checked = [];

function draw() {
  const left = data.reviews.filter(({ number }) => !checked.some((one) => one.number === number));
  at("left").textContent = left.length ? `${left.length} to go` : "All done.";
  at("reviews").replaceChildren(...left.map((review) => {
    const made = make("review", { who: review.who, product: review.product, text: review.text });
    const stars = made.querySelector(".stars");
    stars.textContent = "★".repeat(review.stars) + "☆".repeat(5 - review.stars);
    stars.setAttribute("role", "img");
    stars.setAttribute("aria-label", `${review.stars} of 5 stars`);
    const [reject, publish] = made.querySelectorAll("button");
    for (const [button, verdict] of [[reject, "rejected"], [publish, "published"]]) {
      button.setAttribute("aria-label", `${button.textContent} the review of ${review.who}`);
      button.addEventListener("click", () => decide(review, verdict));
    }
    return made;
  }));
}

async function decide({ number, who }, verdict) {
  checked.push({ number, verdict });
  try {
    await post("/api/reviews", { checked });
    toast(`The review of ${who} is ${verdict}`, { act: "Undo", doing: () => undo(number) });
  } catch {
    checked.pop();
    toast("Nothing was changed: the server can’t be reached", { sign: "alert" });
  }
  draw();
}

async function undo(number) {
  checked.splice(checked.findIndex((one) => one.number === number), 1);
  await post("/api/reviews", { checked });
  draw();
}

at("account").href = data.account;
draw();
show(`Reviews · ${data.text.brand}`);
