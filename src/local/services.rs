//! The services that speak AWS's protocols here: what tells them apart on the wire, one row each.

use axum::http::Method;
use axum::http::request::Parts;

use super::http::header_text;
use super::protocol::rest;
use super::scope::credential_scope;
use crate::world::{World, shape};

/// A service.
#[derive(Debug)]
pub(super) struct Service {
    /// What the world calls it.
    pub(super) name: &'static str,
    /// What signatures call it.
    signed: &'static str,
    /// What stands before an operation's name in `X-Amz-Target`, and in the path of CBOR.
    target: &'static str,
    /// The version of its JSON.
    json: &'static str,
    /// The version that its forms name.
    version: &'static str,
    /// The namespace of its XML.
    pub(super) namespace: &'static str,
    /// What the names of its shapes begin with.
    shapes: &'static str,
    /// Whether clients of the query protocol still look for its codes when they speak another.
    pub(super) query_compatible: bool,
    /// Whether its forms may be sent to what they are about, and leave out its URL.
    pub(super) names_by_path: bool,
    /// Errors whose code in the query protocol the model does not tell.
    codes: &'static [(&'static str, &'static str)],
}

/// What most rows leave out.
pub(super) const NONE: Service = Service {
    name: "",
    signed: "",
    target: "",
    json: "",
    version: "",
    namespace: "",
    shapes: "",
    query_compatible: false,
    names_by_path: false,
    codes: &[],
};

/// What a request that breaks the model is refused with by the services that take forms.
const FORMS: &[(&str, &str)] = &[("ValidationException", "ValidationError")];

const SERVICES: &[Service] = &[
    Service {
        name: "sagemaker",
        signed: "sagemaker",
        target: "SageMaker",
        json: "1.1",
        ..NONE
    },
    Service {
        name: "application-autoscaling",
        signed: "application-autoscaling",
        target: "AnyScaleFrontendService",
        json: "1.1",
        shapes: "aas.",
        ..NONE
    },
    Service {
        name: "cloudwatch",
        signed: "monitoring",
        target: "GraniteServiceVersion20100801",
        json: "1.0",
        version: "2010-08-01",
        namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/",
        shapes: "cw.",
        query_compatible: true,
        ..NONE
    },
    Service {
        name: "events",
        signed: "events",
        target: "AWSEvents",
        json: "1.1",
        shapes: "events.",
        ..NONE
    },
    Service {
        name: "iam",
        signed: "iam",
        version: "2010-05-08",
        namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
        shapes: "iam.",
        codes: FORMS,
        ..NONE
    },
    Service {
        name: "logs",
        signed: "logs",
        target: "Logs_20140328",
        json: "1.1",
        shapes: "logs.",
        ..NONE
    },
    Service {
        name: "resourcegroupstaggingapi",
        signed: "tagging",
        target: "ResourceGroupsTaggingAPI_20170126",
        json: "1.1",
        shapes: "tag.",
        ..NONE
    },
    Service {
        name: "scheduler",
        signed: "scheduler",
        shapes: "sch.",
        ..NONE
    },
    Service {
        name: "sns",
        signed: "sns",
        version: "2010-03-31",
        namespace: "http://sns.amazonaws.com/doc/2010-03-31/",
        shapes: "sns.",
        codes: FORMS,
        ..NONE
    },
    Service {
        name: "sqs",
        signed: "sqs",
        target: "AmazonSQS",
        json: "1.0",
        version: "2012-11-05",
        namespace: "http://queue.amazonaws.com/doc/2012-11-05/",
        shapes: "sqs.",
        query_compatible: true,
        names_by_path: true,
        codes: &[
            (
                "BatchEntryIdsNotDistinct",
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            ),
            (
                "BatchRequestTooLong",
                "AWS.SimpleQueueService.BatchRequestTooLong",
            ),
            (
                "EmptyBatchRequest",
                "AWS.SimpleQueueService.EmptyBatchRequest",
            ),
            (
                "InvalidBatchEntryId",
                "AWS.SimpleQueueService.InvalidBatchEntryId",
            ),
            (
                "MessageNotInflight",
                "AWS.SimpleQueueService.MessageNotInflight",
            ),
            (
                "PurgeQueueInProgress",
                "AWS.SimpleQueueService.PurgeQueueInProgress",
            ),
            (
                "QueueDoesNotExist",
                "AWS.SimpleQueueService.NonExistentQueue",
            ),
            ("QueueNameExists", "QueueAlreadyExists"),
            (
                "TooManyEntriesInBatchRequest",
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            ),
            (
                "UnsupportedOperation",
                "AWS.SimpleQueueService.UnsupportedOperation",
            ),
        ],
    },
    Service {
        name: "sts",
        signed: "sts",
        version: "2011-06-15",
        namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
        shapes: "sts.",
        codes: FORMS,
        ..NONE
    },
];

/// In which protocol a request comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// AWS JSON, of a version.
    Json(&'static str),
    /// CBOR.
    Cbor,
    /// Forms and XML.
    Query,
    /// REST-JSON.
    Rest,
}

/// The service, the protocol and the operation of a request, as far as it tells without its body.
pub(super) struct Door {
    /// Of a form the signature tells, or else its version.
    pub(super) service: Option<&'static Service>,
    pub(super) protocol: Protocol,
    /// The operation's name; of a form the body tells.
    pub(super) op: String,
}

/// What an error is called on the wire.
pub(super) struct Called {
    pub(super) name: String,
    pub(super) code: String,
    pub(super) status: Option<u16>,
}

impl Service {
    /// The operation that the service has under a name.
    pub(super) fn operation(&self, name: &str) -> Option<&'static str> {
        World::operation_of(self.name, name)
    }

    /// What an error is called, by its name in the model or by its code in the query protocol.
    pub(super) fn called(&self, error: &str) -> Called {
        let fault = shape::fault(self.shapes, error);
        let code = self.codes.iter().find(|(name, _)| *name == error);
        let told = fault.map_or(error, |fault| fault.code);
        Called {
            name: fault.map_or(error, |fault| fault.name).to_owned(),
            code: code.map_or(told, |(_, code)| code).to_owned(),
            status: fault.map(|fault| fault.status),
        }
    }
}

/// The service whose forms have a version.
pub(super) fn of_version(version: &str) -> Option<&'static Service> {
    let mut forms = SERVICES
        .iter()
        .filter(|service| !service.version.is_empty());
    forms.find(|service| service.version == version)
}

/// Which service's door a request is for; `None` where it is none of these.
pub(super) fn door(parts: &Parts) -> Option<Door> {
    let path = parts.uri.path();
    let target = header_text(&parts.headers, "x-amz-target");
    if parts.headers.contains_key("x-amz-target") {
        let (prefix, op) = target.split_once('.').unwrap_or((target, ""));
        let service = named(prefix);
        let version = service.map_or("1.1", |service| service.json);
        return Some(Door {
            service,
            protocol: Protocol::Json(version),
            op: op.to_owned(),
        });
    }
    if let Some(rest) = path.strip_prefix("/service/")
        && parts.method == Method::POST
    {
        let (prefix, op) = rest.split_once("/operation/").unwrap_or((rest, ""));
        return Some(Door {
            service: named(prefix),
            protocol: Protocol::Cbor,
            op: op.to_owned(),
        });
    }
    let signed = credential_scope(header_text(&parts.headers, "authorization"));
    let signed = signed.and_then(|(_, name)| SERVICES.iter().find(|one| one.signed == name));
    if is_form(parts) && (path == "/" || signed.is_some_and(|service| service.names_by_path)) {
        return Some(Door {
            service: signed.filter(|service| !service.version.is_empty()),
            protocol: Protocol::Query,
            op: String::new(),
        });
    }
    let service = signed?;
    let op = routed(service, parts.method.as_str(), path)?;
    Some(Door {
        service: Some(service),
        protocol: Protocol::Rest,
        op,
    })
}

/// Whether a request is a form: sent as one, or in the place of a query.
fn is_form(parts: &Parts) -> bool {
    let kind = header_text(&parts.headers, "content-type");
    let query = parts.uri.query().unwrap_or_default();
    parts.method == Method::POST && kind.starts_with("application/x-www-form-urlencoded")
        || parts.method == Method::GET && query.split('&').any(|pair| pair.starts_with("Action="))
}

fn named(target: &str) -> Option<&'static Service> {
    let targeted = SERVICES.iter().filter(|service| !service.target.is_empty());
    targeted
        .into_iter()
        .find(|service| service.target == target)
}

/// The name of the operation of a service that a method and a path are.
fn routed(service: &Service, method: &str, path: &str) -> Option<String> {
    let own = World::operations().filter(|(owner, _)| *owner == service.name);
    let fits = |name: &&str| {
        let route = service.operation(name).and_then(shape::route);
        route.is_some_and(|(own, template)| own == method && rest::placed(template, path).is_some())
    };
    own.map(|(_, name)| name).find(fits).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn of(
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Option<(String, Protocol, String)> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let door = door(&parts)?;
        let name = door.service.map_or("", |service| service.name).to_owned();
        Some((name, door.protocol, door.op))
    }

    fn signed(name: &str) -> String {
        format!("AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/{name}/aws4_request, Signature=a")
    }

    #[test]
    fn a_request_tells_its_service_and_protocol() {
        let check = |method, path, headers: &[(&str, &str)], expect: (&str, Protocol, &str)| {
            let (name, protocol, op) = of(method, path, headers).unwrap();
            assert_eq!((name.as_str(), protocol, op.as_str()), expect);
        };
        let target = [("x-amz-target", "SageMaker.ListModels")];
        check(
            "POST",
            "/",
            &target,
            ("sagemaker", Protocol::Json("1.1"), "ListModels"),
        );
        let target = [(
            "x-amz-target",
            "GraniteServiceVersion20100801.DescribeAlarms",
        )];
        check(
            "POST",
            "/",
            &target,
            ("cloudwatch", Protocol::Json("1.0"), "DescribeAlarms"),
        );
        let path = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms";
        check(
            "POST",
            path,
            &[],
            ("cloudwatch", Protocol::Cbor, "DescribeAlarms"),
        );
        let kind = (
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        );
        for (scope, name) in [("monitoring", "cloudwatch"), ("sns", "sns"), ("s3", "")] {
            let headers = [kind, ("authorization", &*signed(scope))];
            check("POST", "/", &headers, (name, Protocol::Query, ""));
        }
        assert_eq!(
            of("GET", "/bucket/key", &[("authorization", &signed("s3"))]),
            None
        );
        assert_eq!(of("POST", "/bucket/key", &[kind]), None);
        let queue = [kind, ("authorization", &*signed("sqs"))];
        for path in ["/", "/111122223333/q"] {
            check("POST", path, &queue, ("sqs", Protocol::Query, ""));
        }
        let path = "/111122223333/q/?Version=2012-11-05&Action=DeleteQueue";
        check("GET", path, &queue[1..], ("sqs", Protocol::Query, ""));
    }

    #[test]
    fn errors_have_their_names_codes_and_status() {
        let check = |service: &str, error: &str, expect: (&str, &str, Option<u16>)| {
            let service = SERVICES.iter().find(|one| one.name == service).unwrap();
            let called = service.called(error);
            assert_eq!((&*called.name, &*called.code, called.status), expect);
        };
        check(
            "sns",
            "NotFound",
            ("NotFoundException", "NotFound", Some(404)),
        );
        check(
            "cloudwatch",
            "ResourceNotFound",
            ("ResourceNotFound", "ResourceNotFound", Some(404)),
        );
        let queue = "AWS.SimpleQueueService.NonExistentQueue";
        check(
            "sqs",
            "QueueDoesNotExist",
            ("QueueDoesNotExist", queue, None),
        );
        check(
            "sagemaker",
            "ResourceInUse",
            ("ResourceInUse", "ResourceInUse", None),
        );
    }
}
