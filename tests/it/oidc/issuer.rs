//! An issuer: a small server with a discovery document and keys, and what signs its tokens.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};

/// The issuer's public key as everybody may have it.
pub const PUBLIC_PEM: &str = include_str!("keys/rsa_public.pem");

/// A key of the issuer and what it signs with.
#[derive(Clone, Copy, Debug)]
pub enum Signer {
    Rsa,
    NextRsa,
    Rs512,
    Ps256,
    P256,
    P384,
    Ed25519,
}

impl Signer {
    pub const ALL: [Self; 7] =
        [Self::Rsa, Self::NextRsa, Self::Rs512, Self::Ps256, Self::P256, Self::P384, Self::Ed25519];

    pub fn algorithm(self) -> Algorithm {
        match self {
            Self::Rsa | Self::NextRsa => Algorithm::RS256,
            Self::Rs512 => Algorithm::RS512,
            Self::Ps256 => Algorithm::PS256,
            Self::P256 => Algorithm::ES256,
            Self::P384 => Algorithm::ES384,
            Self::Ed25519 => Algorithm::EdDSA,
        }
    }

    fn private(self) -> EncodingKey {
        let pem = match self {
            Self::Rsa | Self::Rs512 | Self::Ps256 => include_str!("keys/rsa.pem"),
            Self::NextRsa => include_str!("keys/rsa_next.pem"),
            Self::P256 => include_str!("keys/p256.pem"),
            Self::P384 => include_str!("keys/p384.pem"),
            Self::Ed25519 => include_str!("keys/ed25519.pem"),
        };
        let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(text).expect("a PEM file holds base64");
        match self {
            Self::Rsa | Self::NextRsa | Self::Rs512 | Self::Ps256 => EncodingKey::from_rsa_der(&der),
            Self::P256 | Self::P384 => EncodingKey::from_ec_der(&der),
            Self::Ed25519 => EncodingKey::from_ed_der(&der),
        }
    }

    /// The name of its key.
    pub fn kid(self) -> String {
        format!("{self:?}")
    }

    /// Its public key, as the issuer publishes it.
    pub fn jwk(self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.private(), self.algorithm()).expect("a key has a public half");
        let mut jwk = serde_json::to_value(jwk).expect("a key is JSON");
        jwk["kid"] = self.kid().into();
        jwk["use"] = "sig".into();
        jwk
    }

    pub fn header(self) -> Header {
        Header { kid: Some(self.kid()), ..Header::new(self.algorithm()) }
    }

    pub fn sign(self, claims: &Value) -> String {
        self.sign_with(&self.header(), claims)
    }

    pub fn sign_with(self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.private()).expect("the key signs")
    }
}

/// How the issuer answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Mood {
    Well,
    /// With an error.
    Failing,
    /// With its document at another address.
    Redirecting,
    /// With more than anybody wants to read.
    TooLong,
    /// With what is no JSON.
    Nonsense,
    /// With this discovery document.
    Saying(Value),
}

struct Inside {
    mood: Mood,
    keys: Value,
    /// How often its keys were asked for.
    asked: u32,
    /// Answers wait until they are let go.
    held: Option<Arc<Notify>>,
}

/// An issuer that runs.
#[derive(Clone)]
pub struct LocalIssuer {
    /// What it calls itself.
    pub url: String,
    inside: Arc<Mutex<Inside>>,
}

impl LocalIssuer {
    /// Starts it on a free port, with all keys but the next one.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/realms/acme", listener.local_addr().expect("it is bound"));
        let inside = Inside { mood: Mood::Well, keys: json!([]), asked: 0, held: None };
        let issuer = Self { url, inside: Arc::new(Mutex::new(inside)) };
        issuer.publish(
            Signer::ALL.iter().filter(|signer| !matches!(signer, Signer::NextRsa)).map(|signer| signer.jwk()).collect(),
        );
        let router = Router::new()
            .route("/realms/acme/.well-known/openid-configuration", get(discovery))
            .route("/elsewhere", get(discovery))
            .route("/realms/acme/keys", get(keys))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    /// Publishes these keys from now on.
    pub fn publish(&self, keys: Vec<Value>) {
        self.inside.lock().unwrap().keys = json!({ "keys": Value::Array(keys) });
    }

    /// Answers like this from now on.
    pub fn becomes(&self, mood: Mood) {
        self.inside.lock().unwrap().mood = mood;
    }

    /// How often its keys were asked for.
    pub fn asked(&self) -> u32 {
        self.inside.lock().unwrap().asked
    }

    /// Keeps its answers back until somebody says so.
    pub fn hold(&self) -> Arc<Notify> {
        self.inside.lock().unwrap().held.insert(Arc::default()).clone()
    }

    /// What it says of itself.
    pub fn document(&self) -> Value {
        json!({ "issuer": self.url, "jwks_uri": format!("{}/keys", self.url) })
    }
}

async fn discovery(State(issuer): State<LocalIssuer>) -> Response {
    let mood = issuer.inside.lock().unwrap().mood.clone();
    match mood {
        Mood::Well => axum::Json(issuer.document()).into_response(),
        Mood::Failing => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Redirecting => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
        Mood::TooLong => {
            let mut document = issuer.document();
            document["padding"] = "x".repeat(1024 * 1024).into();
            axum::Json(document).into_response()
        }
        Mood::Nonsense => "<html>Sign in to the hotel's network</html>".into_response(),
        Mood::Saying(document) => axum::Json(document).into_response(),
    }
}

async fn keys(State(issuer): State<LocalIssuer>) -> Response {
    let (keys, held) = {
        let mut inside = issuer.inside.lock().unwrap();
        inside.asked += 1;
        (inside.keys.clone(), inside.held.take())
    };
    if let Some(held) = held {
        held.notified().await;
    }
    axum::Json(keys).into_response()
}
