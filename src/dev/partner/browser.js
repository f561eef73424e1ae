// All that a partner writes: where its users' tokens come from, and what "Sign in" does here.
const claim = document.querySelector("codedrop-claim");

claim.getUserToken = async () => {
  const answer = await fetch("/codedrop-token");
  return answer.status === 200 ? answer.text() : null;
};

claim.addEventListener("codedrop-sign-in", () => document.querySelector("#name").focus());
