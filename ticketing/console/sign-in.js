// The dialog that asks for the token.

import * as api from "./api.js";
import { byId } from "./dom.js";

const REFUSED = "That token was not accepted.";

export class SignIn {
  constructor(onSignedIn) {
    this.dialog = byId("signin");
    this.error = byId("signin-error");
    this.onSignedIn = onSignedIn;
    // Without a token there is nothing behind the dialog.
    this.dialog.addEventListener("cancel", (event) => event.preventDefault());
    byId("signin-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  ask() {
    if (this.dialog.open) return;
    this.error.textContent = api.token.get() ? REFUSED : "";
    // The page goes on asking: with a token that was refused, its address would have to wait.
    api.token.clear();
    this.dialog.showModal();
    this.offerProvider();
  }

  // A link to the provider of people, where there is one.
  async offerProvider() {
    const { signIn } = await api.get("api/v1/session").catch(() => ({}));
    byId("provider").hidden = !signIn;
    if (signIn) byId("provider").href = signIn;
  }

  async submit() {
    api.token.set(byId("token").value.trim());
    try {
      await api.get("api/v1/totals");
    } catch (error) {
      this.error.textContent = error.status === 401 ? REFUSED : error.message;
      api.token.clear();
      return;
    }
    byId("token").value = "";
    this.dialog.close();
    this.onSignedIn();
  }
}
