// The page behind an invitation: a person chooses a password. The invitation stands after the #, which is never sent
// to a server, and is taken out of the address before anything else.
"use strict";

const TEXTS = {
  en: {
    password: "Choose a password (at least 15 characters; a sentence is a good one)",
    again: "The same password again",
    choose: "Keep it",
    differ: "The two are not the same.",
    done: (login, tenant) => `Done. From now on you log in as ${login} of ${tenant} with this password.`,
    missing: "This address is not whole. Open the link that you were given once more.",
    unreachable: "The server cannot be reached. Try again in a moment.",
  },
  pt: {
    password: "Escolha uma senha (15 caracteres ou mais; uma frase é uma boa senha)",
    again: "A mesma senha outra vez",
    choose: "Guardar",
    differ: "As duas não são iguais.",
    done: (login, tenant) => `Pronto. De agora em diante você entra como ${login}, empresa ${tenant}, com esta senha.`,
    missing: "Este endereço não está inteiro. Abra outra vez o link que você recebeu.",
    unreachable: "O servidor não responde. Tente outra vez daqui a pouco.",
  },
};

const language = navigator.language.startsWith("pt") ? "pt" : "en";
const texts = TEXTS[language];
document.documentElement.lang = language === "pt" ? "pt-BR" : "en";
for (const element of document.querySelectorAll("[data-text]")) element.textContent = texts[element.dataset.text];

const invitation = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
const form = document.getElementById("choose");
const told = document.getElementById("told");
if (!invitation) told.textContent = texts.missing;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const password = document.getElementById("password").value;
  if (password !== document.getElementById("again").value) {
    told.textContent = texts.differ;
    return;
  }
  try {
    const answer = await fetch("/v1/invitations/accept", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ invitation, password }),
    });
    const said = await answer.json();
    told.textContent = answer.ok ? texts.done(said.login, said.tenant) : said.detail;
    form.hidden = answer.ok;
  } catch {
    told.textContent = texts.unreachable;
  }
});
