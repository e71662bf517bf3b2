//! One connection to Redis, and what is asked through it.

use super::{
    address::RedisAddress,
    fault::Fault,
    scripts::{ACQUIRE, RELEASE, RENEW, Script},
};
use redis::{AsyncConnectionConfig, Client, FromRedisValue, ToRedisArgs, aio::MultiplexedConnection};
use std::{sync::Arc, time::Duration};

/// The version of the keys.
const SCHEMA: u64 = 1;
/// No arguments.
pub(super) const NOTHING: &[&str] = &[];
/// Time for a connection.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// Time for one answer.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_millis(1500);
/// How long a node's name stays a server's that says nothing more.
pub(super) const LEASE: Duration = Duration::from_secs(3);

/// A connection that writes for its node as long as no later one does. Cheap to clone.
#[derive(Clone)]
pub(super) struct Session {
    connection: MultiplexedConnection,
    names: Arc<Names>,
}

#[derive(Debug)]
struct Names {
    prefix: String,
    node: String,
    /// Who writes: a number of this process, and one of its connections.
    fence: String,
}

impl Session {
    /// Connects, and takes the node's name for the connection.
    pub(super) async fn open(client: &Client, address: &RedisAddress, owner: &str, number: u64) -> Result<Self, Fault> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN));
        let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let RedisAddress { prefix, node, .. } = address.clone();
        let names = Arc::new(Names { prefix, node, fence: format!("{owner}{number}") });
        let session = Self { connection, names };
        session.hold_schema().await?;
        session.warn_of_eviction().await;
        let lease = LEASE.as_millis().to_string();
        let acquired: bool = session.run(&ACQUIRE, (owner, lease)).await?;
        if acquired { Ok(session) } else { Err(Fault::Held) }
    }

    pub(super) async fn renew(&self) -> Result<(), Fault> {
        self.run(&RENEW, (LEASE.as_millis().to_string(),)).await
    }

    pub(super) async fn release(&self) -> Result<(), Fault> {
        self.run(&RELEASE, NOTHING).await
    }

    /// Runs a script with what comes behind the prefix, the node and the fence.
    pub(super) async fn run<T: FromRedisValue>(&self, script: &Script, args: impl ToRedisArgs) -> Result<T, Fault> {
        let Names { prefix, node, fence } = &*self.names;
        let mut command = redis::cmd("EVAL");
        command.arg((script.text)()).arg(0).arg(prefix).arg(node).arg(fence).arg(args);
        Ok(command.query_async(&mut self.connection.clone()).await?)
    }

    /// Runs a command on a key of ours: its name, the key behind the prefix, the other arguments.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        command: &str,
        key: &str,
        args: impl ToRedisArgs,
    ) -> Result<T, Fault> {
        let mut command = redis::cmd(command);
        command.arg(self.key(key)).arg(args);
        Ok(command.query_async(&mut self.connection.clone()).await?)
    }

    /// As [`Session::ask`], on a key of this node's own.
    pub(super) async fn ask_of_node<T: FromRedisValue>(
        &self,
        command: &str,
        key: &str,
        args: impl ToRedisArgs,
    ) -> Result<T, Fault> {
        self.ask(command, &format!("{key}:{}", self.names.node), args).await
    }

    /// Counts the keys that begin like this, with what each step of the search finds.
    pub(super) async fn count(&self, key: &str) -> Result<u64, Fault> {
        let (mut cursor, mut count) = (0_u64, 0);
        // A prefix has no character that means something in a pattern but brackets of sets, which it may not have.
        let pattern = self.key(key) + "*";
        loop {
            let mut command = redis::cmd("SCAN");
            command.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1000);
            let (next, found): (u64, Vec<redis::Value>) = command.query_async(&mut self.connection.clone()).await?;
            count += found.len() as u64;
            cursor = next;
            if cursor == 0 {
                return Ok(count);
            }
        }
    }

    /// The node's name.
    pub(super) fn node(&self) -> &str {
        &self.names.node
    }

    /// Whether both are the same connection.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.names, &other.names)
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.names.prefix)
    }

    /// The keys are of this version, or there are none yet.
    async fn hold_schema(&self) -> Result<(), Fault> {
        let found: Option<u64> = match self.ask("GET", "schema", NOTHING).await? {
            Some(found) => Some(found),
            None => {
                let _: bool = self.ask("SETNX", "schema", SCHEMA).await?;
                self.ask("GET", "schema", NOTHING).await?
            }
        };
        match found {
            Some(SCHEMA) => Ok(()),
            found => Err(Fault::Refused(format!("its keys are of schema {found:?}, this version knows {SCHEMA}"))),
        }
    }

    /// A cache throws away what it has no room for.
    async fn warn_of_eviction(&self) {
        let mut info = redis::cmd("INFO");
        info.arg("memory");
        let Ok(info) = info.query_async::<String>(&mut self.connection.clone()).await else { return };
        let policy = info.lines().find_map(|line| line.trim().strip_prefix("maxmemory_policy:"));
        if let Some(policy) = policy.filter(|policy| *policy != "noeviction") {
            tracing::warn!(
                policy,
                "this Redis may throw accounts away when it is full; set its maxmemory-policy to noeviction"
            );
        }
    }
}
