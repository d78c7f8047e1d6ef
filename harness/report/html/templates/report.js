"use strict";
for (const box of document.querySelectorAll(".code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const text = box.querySelector("code").textContent;
    let done = false;
    try {
      await navigator.clipboard.writeText(text);
      done = true;
    } catch {
      const range = document.createRange();
      range.selectNodeContents(box.querySelector("code"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      done = document.execCommand("copy");
    }
    const word = done ? "Copied" : "Select and copy by hand";
    button.textContent = word;
    document.getElementById("said").textContent = word;
    setTimeout(() => { button.textContent = "Copy"; document.getElementById("said").textContent = ""; }, 2000);
  });
  box.append(button);
}
