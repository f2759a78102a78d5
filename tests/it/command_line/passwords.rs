//! Passwords that whoever runs the machine gives, and that are to be changed at the first sign-in.

use super::*;

const CHOSEN: &str = "a word of my own choice";

/// Why a sign-in was refused; nothing where it was not.
async fn sign_in(client: &Client, password: &str, new: Option<&str>) -> Option<String> {
    let document = "mutation($password: String!, $new: String) {
        signIn(input: { email: \"ann@tandem.test\", password: $password, newPassword: $new }) { accessToken userErrors { reason } } }";
    let answer = client.query_with(document, json!({ "password": password, "new": new })).await;
    answer.body["data"]["signIn"]["userErrors"][0]["reason"].as_str().map(str::to_owned)
}

on_an_empty_database! {
    async fn a_password_given_at_the_command_line_can_have_to_be_changed(place: Place) {
        let user = |arguments: &[&str]| {
            let mut command = place.command(&[&["user"], arguments].concat());
            command.env("TANDEM_PASSWORD", PASSWORD);
            command
        };
        fine(&mut user(&["create", "ann@tandem.test", "--role", "rep", "--must-change-password"]));
        let serving = Serving::start(&mut place.command(&["serve"]));
        let client = serving.client();
        let required = Some("PASSWORD_CHANGE_REQUIRED".to_owned());
        assert_eq!(sign_in(&client, PASSWORD, None).await, required);
        assert_eq!(sign_in(&client, PASSWORD, Some(CHOSEN)).await, None);
        fine(&mut user(&["set-password", "ann@tandem.test", "--must-change-password"]));
        assert_eq!(sign_in(&client, PASSWORD, None).await, required);
        fine(&mut user(&["set-password", "ann@tandem.test"]));
        assert_eq!(sign_in(&client, PASSWORD, None).await, None);
    }
}
