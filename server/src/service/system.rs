//! Windows' service manager, and its errors as sentences that say what to do.

use super::ServiceName;
use std::fmt;
use windows_service::{
    Error,
    service_manager::{ServiceManager, ServiceManagerAccess},
};

pub(super) const ACCESS_DENIED: i32 = 5;
pub(super) const DOES_NOT_EXIST: i32 = 1060;
pub(super) const CANNOT_ACCEPT_CONTROL: i32 = 1061;
pub(super) const NOT_ACTIVE: i32 = 1062;
pub(super) const NOT_STARTED_BY_THE_MANAGER: i32 = 1063;
const MARKED_FOR_DELETE: i32 = 1072;
const EXISTS: i32 = 1073;
const DUPLICATE_NAME: i32 = 1078;

/// The service manager does not do it.
#[derive(Debug)]
pub(super) struct Refused {
    name: ServiceName,
    error: Error,
}

impl Refused {
    /// For `map_err`.
    pub(super) fn about(name: &ServiceName) -> impl Fn(Error) -> Self {
        move |error| Self { name: name.clone(), error }
    }

    /// Windows' number of the error, where it has one.
    pub(super) fn code(&self) -> Option<i32> {
        code(&self.error)
    }
}

/// Windows' number of an error, where it has one.
pub(super) fn code(error: &Error) -> Option<i32> {
    match error {
        Error::Winapi(error) => error.raw_os_error(),
        _ => None,
    }
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match (self.code(), &self.error) {
            (Some(ACCESS_DENIED), _) => f.write_str(
                "this needs an administrator: do it in a terminal that was opened with \"Run as administrator\"",
            ),
            (Some(DOES_NOT_EXIST), _) => write!(f, "there is no service {name}"),
            (Some(MARKED_FOR_DELETE), _) => write!(
                f,
                "the service {name} is on its way out: close the programs that look at it, such as the list of services, \
                 and try again"
            ),
            (Some(EXISTS | DUPLICATE_NAME), _) => write!(
                f,
                "there is a service {name} already: take it away with `malpan-server service uninstall --name {name}`, \
                 or choose another --name"
            ),
            (_, Error::Winapi(error)) => write!(f, "the service {name}: {error}"),
            (_, error) => write!(f, "the service {name}: {error}"),
        }
    }
}

/// The service manager of this machine, for these rights.
pub(super) fn manager(name: &ServiceName, access: ServiceManagerAccess) -> Result<ServiceManager, Refused> {
    ServiceManager::local_computer(None::<&str>, access).map_err(Refused::about(name))
}

#[cfg(test)]
mod tests {
    use super::{Error, Refused};
    use std::io;

    #[test]
    fn a_refusal_says_what_to_do() {
        let said = |code| {
            let error = Error::Winapi(io::Error::from_raw_os_error(code));
            Refused::about(&"Malpan".parse().unwrap())(error).to_string()
        };
        assert!(said(5).contains("Run as administrator"));
        assert_eq!(said(1060), "there is no service Malpan");
        assert!(said(1073).contains("service uninstall --name Malpan"));
        assert!(said(2).starts_with("the service Malpan: "), "{}", said(2));
    }
}
