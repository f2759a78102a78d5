//! Hearing of other processes' changes.

use std::sync::Arc;

use crate::{
    error::Result,
    store::{Backend, sql::Engine},
};

impl Backend {
    /// Hears of other processes' changes until the end of the program; on SQLite there are none.
    pub async fn listen(self: Arc<Self>) {
        if self.db.engine() != Engine::Postgres {
            return;
        }
        loop {
            if let Err(error) = self.hear().await {
                tracing::warn!(error = %error, "lost the database's notifications; trying again");
            }
            // What was missed meanwhile is read from the table, which is the truth.
            self.forget_policies();
            self.wake();
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }

    async fn hear(&self) -> Result<()> {
        let Some(mut listener) = self.db.listener().await? else { return Ok(()) };
        listener.listen("tandem").await?;
        loop {
            let heard = listener.recv().await?;
            match heard.payload() {
                "access" => self.forget_policies(),
                "job" => {
                    self.look_for_jobs();
                    continue;
                }
                _ => {}
            }
            self.wake();
        }
    }
}
