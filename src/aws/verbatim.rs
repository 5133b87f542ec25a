//! Operations of services that speak JSON: the inputs of the SDK's builders stay empty, because the
//! body is replaced.

/// `send` for a table of a service's operations, by the names that calls have; and the names as a
/// list, where one is named. `Client` is the one that the file has imported.
macro_rules! operations {
    (pub $list:ident; $($op:literal => $method:ident,)*) => {
        /// Every operation that can be called, by the service model's names.
        pub const $list: &[&str] = &[$($op),*];

        operations! { $($op => $method,)* }
    };
    ($($op:literal => $method:ident,)*) => {
        /// Sends an operation; `None`: it is not known.
        pub(super) async fn send(
            client: &Client,
            op: &str,
            exchange: $crate::aws::exchange::Exchange,
        ) -> Option<Result<(), $crate::aws::answer::Failure>> {
            match op {
                $($op => {
                    let sent = client.$method().customize().interceptor(exchange).send().await;
                    Some(sent.map(drop).map_err(|error| $crate::aws::answer::Failure::of(&error)))
                })*
                _ => None,
            }
        }
    };
}

pub(super) use operations;
