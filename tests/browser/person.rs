//! What people do on many pages: sign up, reveal, create a key, open the menu of a phone.

use crate::browser::Browser;

pub const PASSWORD: &str = "copper lantern orbit";

impl Browser {
    /// Signs up and stands on the first screen.
    pub async fn sign_up(&self, account: &str, email: &str) {
        self.goto("/sign-up").await;
        self.fill("account", account).await;
        self.fill("email", email).await;
        self.fill("password", PASSWORD).await;
        self.press("Create account").await;
        assert_eq!(self.path().await, "/welcome", "{}", self.text().await);
    }

    /// Signs in from the sign-in page, wherever that leads.
    pub async fn sign_in(&self, email: &str, password: &str) {
        self.fill("email", email).await;
        self.fill("password", password).await;
        self.press("Sign in").await;
    }

    /// Breaks the seal on the page and copies the secret out of its field.
    pub async fn reveal(&self) -> String {
        self.press("Reveal once").await;
        assert_eq!(self.status().await, 200);
        self.secret().await
    }

    /// Has the key shown that can be shown again, and copies the secret out of its field.
    pub async fn reveal_again(&self) -> String {
        self.press("Reveal key").await;
        assert_eq!(self.status().await, 200);
        self.secret().await
    }

    /// The secret in the open seal.
    pub async fn secret(&self) -> String {
        let field = self.find("textarea.seal-key").await;
        field.prop("value").await.expect("the seal is open").expect("it holds a secret")
    }

    /// Creates a standard key of that name with the preset called `preset`, and stands on its sealed page.
    pub async fn create_key(&self, name: &str, preset: &str) {
        self.goto("/settings/api-keys/new?type=standard").await;
        self.fill("name", name).await;
        self.choose("preset", preset).await;
        self.press("Create key").await;
        assert_eq!(self.heading().await, "Key created", "{}", self.text().await);
    }

    /// Creates a key restricted to the inbox and stands on its sealed page.
    pub async fn create_restricted_key(&self, name: &str, inbox: &str, scopes: &[&str]) {
        self.goto("/settings/api-keys/new?type=restricted").await;
        self.fill("name", name).await;
        self.choose("inbox", inbox).await;
        for scope in scopes {
            self.choose("scopes[]", scope).await;
        }
        self.press("Create key").await;
        assert_eq!(self.heading().await, "Key created", "{}", self.text().await);
    }

    /// Opens the menu that a phone folds the sidebar into.
    pub async fn open_sidebar(&self) {
        if self.view().is_phone() {
            self.click("Menu").await;
        }
    }

    /// Signs out by the button of the sidebar.
    pub async fn sign_out(&self) {
        self.open_sidebar().await;
        self.press("Sign out").await;
        assert_eq!(self.path().await, "/sign-in");
    }
}
