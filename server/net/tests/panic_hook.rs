//! What a process's panic hook and whoever catches a panic know of it, together. One test, alone in its process, because
//! the hook is the process's.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use malpan_net::{catch_panic, note_panic};
use std::{
    panic::{self, AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Arc, Mutex},
};

#[tokio::test(flavor = "current_thread")]
async fn the_hook_keeps_quiet_of_what_is_caught_and_tells_the_place() {
    // Without such a hook the message alone is known.
    panic::set_hook(Box::new(|_| {}));
    let caught = catch_panic(pin!(async { panic!("one") })).await;
    let caught = caught.map(|never: ()| never).unwrap_err();
    assert_eq!((caught.message(), caught.place(), caught.backtrace()), ("one", None, None));

    let reported = Arc::<Mutex<Vec<(String, String)>>>::default();
    let report = Arc::clone(&reported);
    panic::set_hook(Box::new(move |info| {
        let told = note_panic(info).into_iter().map(|panic| (panic.message().into(), panic.place().unwrap().into()));
        report.lock().unwrap().extend(told);
    }));
    let reported = move || std::mem::take(&mut *reported.lock().unwrap());

    // Also where it comes after a wait, and whatever is thrown.
    let work = async {
        tokio::task::yield_now().await;
        panic::panic_any(7_u8);
    };
    let caught = catch_panic(pin!(work)).await.map(|never: ()| never).unwrap_err();
    assert_eq!(caught.message(), "a value that is no text");
    assert!(caught.place().unwrap().contains("panic_hook.rs:"), "{caught:?}");
    assert_eq!(reported(), []);

    // Between two polls nobody is caught, and after the work nobody either.
    let mut work = pin!(async { tokio::task::yield_now().await });
    let catching = catch_panic(work.as_mut());
    let mut catching = pin!(catching);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(std::future::Future::poll(catching.as_mut(), &mut cx).is_pending());
    catch_unwind(|| panic!("two")).unwrap_err();
    assert_eq!(reported()[0].0, "two");
    catching.await.unwrap();

    // Work that swallows a panic of its own, and has another: neither is lost.
    let work = async {
        catch_unwind(AssertUnwindSafe(|| panic!("three"))).unwrap_err();
        panic!("four");
    };
    let caught = catch_panic(pin!(work)).await.map(|never: ()| never).unwrap_err();
    assert_eq!(caught.message(), "four");
    let messages: Vec<_> = reported().into_iter().map(|(message, _)| message).collect();
    assert_eq!(messages, ["three", "four"]);
    catch_unwind(|| panic!("five")).unwrap_err();
    assert_eq!(reported().len(), 1);
    drop(panic::take_hook());
}
