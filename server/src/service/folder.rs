//! The folder of a service: its configuration, store and log, and nobody else's to read.

use super::ServiceName;
use crate::{
    config::{Config, PathOrOff},
    store::StoreAddress,
};
use anyhow::{Context, bail};
use std::{
    env, fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::Command,
};

const CONFIG: &str = "malpan-server.toml";
const STORE: &str = "malpan.redb";
const LOG: &str = "malpan-server.log";

/// Windows' own names for accounts are translated; these numbers are the same everywhere.
const SYSTEM: &str = "*S-1-5-18";
const ADMINISTRATORS: &str = "*S-1-5-32-544";

/// The folder of a service, `%ProgramData%\NAME`.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The one of this service.
    pub(super) fn of(name: &ServiceName) -> Self {
        let all = env::var_os("ProgramData").map(PathBuf::from).filter(|path| path.is_absolute());
        Self(all.unwrap_or_else(|| r"C:\ProgramData".into()).join(name.as_str()))
    }

    /// The one of a service that runs with this configuration. Where the environment of services says something else than
    /// that of whoever has installed it, it is the configuration's.
    pub(super) fn of_running(name: &ServiceName, config: &Path) -> Self {
        let usual = Self::of(name);
        match config.parent() {
            Some(beside) if !usual.0.is_dir() => Self(beside.into()),
            _ => usual,
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Where the log goes that is sent nowhere else.
    pub(super) fn log(&self) -> PathBuf {
        self.0.join(LOG)
    }

    /// Makes it, where it is not there.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub(super) fn make(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.0).with_context(|| format!("the folder {} cannot be made", self.0.display()))
    }

    /// The configuration in it. One that is not there is made.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub(super) fn configuration(&self) -> anyhow::Result<PathBuf> {
        let path = self.0.join(CONFIG);
        let made = fs::File::create_new(&path).and_then(|mut file| file.write_all(self.sample().as_bytes()));
        match made {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(error).with_context(|| format!("{} cannot be written", path.display()))
            }
            _ => Ok(path),
        }
    }

    /// Lets the service's own account write in it, administrators and Windows do anything, and nobody else read: the store
    /// holds hashes of secrets.
    ///
    /// # Errors
    /// Where Windows does not do it.
    pub(super) fn protect(&self, account: &str) -> anyhow::Result<()> {
        // Everyone may make folders where this one is: it may have been somebody else's.
        self.icacls(&["/setowner", ADMINISTRATORS, "/T", "/C", "/Q"])?;
        let all = |who: &str| format!("{who}:(OI)(CI)F");
        let write = format!("{account}:(OI)(CI)M");
        self.icacls(&["/inheritance:r", "/grant:r", &all(SYSTEM), &all(ADMINISTRATORS), &write, "/Q"])
    }

    fn icacls(&self, args: &[&str]) -> anyhow::Result<()> {
        let what = || format!("the rights of {} cannot be set with icacls", self.0.display());
        let system = env::var_os("SystemRoot").map_or_else(|| r"C:\Windows".into(), PathBuf::from);
        let program = system.join(r"System32\icacls.exe");
        let output = Command::new(program).arg(&self.0).args(args).output().with_context(what)?;
        if !output.status.success() {
            let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
            bail!("{}: {}", what(), said.join(" ").trim());
        }
        Ok(())
    }

    /// Fits `config` to a service: with no file for its log, that goes to this folder.
    ///
    /// # Errors
    /// Where its store is in a user's folder, which a service does not have.
    pub(super) fn fit(&self, config: &mut Config) -> anyhow::Result<()> {
        if config.store == StoreAddress::DefaultFile {
            bail!(
                "store: a service has no user's folder for data; name a file in its configuration, such as store = {}",
                literal(&self.store().to_string())
            );
        }
        if config.log.file == PathOrOff::Off {
            config.log.file = PathOrOff::Path(self.log());
        }
        Ok(())
    }

    fn store(&self) -> StoreAddress {
        StoreAddress::File(self.0.join(STORE))
    }

    /// The configuration to begin with: the defaults, and where things are.
    fn sample(&self) -> String {
        let path = self.0.join(CONFIG);
        let (path, store) = (path.display(), literal(&self.store().to_string()));
        let log = literal(&self.log().display().to_string());
        let text = format!(
            r#"# What the service is told. Left out is what has its default; `malpan-server config print-default` prints every key.
# After a change: malpan-server config check "{path}", then stop the service and start it.
# Commands that look after the server need it too: malpan-server account list --config "{path}"

# Where players are awaited: this machine alone, until you say otherwise. For the network: ["0.0.0.0:7777"], and a rule of
# the firewall.
listen = ["127.0.0.1:7777"]

# Health and metrics. Whoever reaches the address can read them.
http = "127.0.0.1:7780"

# Accounts, rooms and who sat in them.
store = {store}

# For how long players may play on once the service is stopped. When the machine is shut down it is 9 s at the most.
#drain = "10s"

[tls]
# Without a certificate nothing is encrypted, and passwords are taken from this machine alone.
# The service's account has to be able to read both files, as it is in this folder.
#cert = 'cert.pem'
#key = 'key.pem'

[log]
# At 10 MiB it is put aside and begun anew; four older ones are kept.
file = {log}
# One line an event. `json` for programs.
#format = "text"
"#
        );
        text.replace('\n', "\r\n")
    }
}

/// A text as TOML has it, paths without doubled backslashes where that can be.
fn literal(text: &str) -> String {
    if text.contains('\'') { toml::Value::from(text).to_string() } else { format!("'{text}'") }
}

#[cfg(test)]
mod tests {
    use super::{Folder, literal};
    use crate::config::{Config, check_file};

    #[test]
    fn the_configuration_to_begin_with_is_the_defaults_and_where_things_are() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder(temporary.path().join("Mal pan"));
        folder.make().unwrap();
        let path = folder.configuration().unwrap();
        let mut config = check_file(&path).unwrap();
        let (store, log) = (config.store.to_string(), config.log.file.to_string());
        assert_eq!(store, format!("redb:{}", folder.path().join("malpan.redb").display()));
        assert_eq!(log, folder.path().join("malpan-server.log").display().to_string());
        folder.fit(&mut config).unwrap();
        config.store = Config::default().store;
        config.log.file = Config::default().log.file;
        assert_eq!(config, Config::default());
        std::fs::write(&path, "shards = 3").unwrap();
        assert_eq!(check_file(&folder.configuration().unwrap()).unwrap().shards, 3, "it is not overwritten");
    }

    #[test]
    fn a_store_in_a_users_folder_is_refused_and_a_log_without_a_file_gets_one() {
        let folder = Folder(r"C:\ProgramData\Malpan".into());
        let error = folder.fit(&mut Config::default()).unwrap_err().to_string();
        assert!(error.ends_with(r"store = 'redb:C:\ProgramData\Malpan\malpan.redb'"), "{error}");
        let mut config = Config { store: "memory:".parse().unwrap(), ..Config::default() };
        folder.fit(&mut config).unwrap();
        assert_eq!(config.log.file.to_string(), r"C:\ProgramData\Malpan\malpan-server.log");
    }

    #[test]
    fn a_quote_is_no_end_of_a_path() {
        for text in [r"C:\x", r"C:\ann's"] {
            let read: toml::Table = format!("path = {}", literal(text)).parse().unwrap();
            assert_eq!(read["path"].as_str(), Some(text));
        }
    }
}
