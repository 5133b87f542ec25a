//! S3's few operations, over the SDK's typed builders: its protocol is not JSON.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{
    BucketLocationConstraint, ChecksumAlgorithm, ChecksumMode, CreateBucketConfiguration,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{self, Failure};
use super::clients;
use super::exchange::Exchange;
use super::typed::{invalid, members, parse, sent, text};
use crate::limits;
use crate::resource::call::{Answer, Call, OpError, Scope};
use crate::resource::error::Class;

/// What is told of an object; the outputs of `HeadObject` and `GetObject` have no type in common.
macro_rules! object_members {
    ($output:expr) => {
        members([
            ("ChecksumCRC32", text($output.checksum_crc32())),
            ("ChecksumCRC64NVME", text($output.checksum_crc64_nvme())),
            ("ChecksumSHA256", text($output.checksum_sha256())),
            ("ContentLength", $output.content_length().map(Value::from)),
            ("ContentType", text($output.content_type())),
            ("ETag", text($output.e_tag())),
            ("LastModified", $output.last_modified().map(seconds)),
            (
                "Metadata",
                $output.metadata().map(|metadata| json!(metadata)),
            ),
            ("VersionId", text($output.version_id())),
        ])
    };
}

/// S3 names this region by leaving it out.
const UNNAMED_REGION: &str = "us-east-1";

/// What can be asked of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    CreateBucket,
    GetObject,
    HeadObject,
    PutObject,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct NewBucket {
    bucket: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Object {
    bucket: String,
    key: String,
    version_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct NewObject {
    bucket: String,
    key: String,
    content_type: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl Operation {
    /// The operation of this name, if it is one of S3's.
    pub(super) fn named(op: &str) -> Option<Self> {
        match op {
            "CreateBucket" => Some(Self::CreateBucket),
            "GetObject" => Some(Self::GetObject),
            "HeadObject" => Some(Self::HeadObject),
            "PutObject" => Some(Self::PutObject),
            _ => None,
        }
    }

    /// Sends a call.
    pub(super) async fn send(
        self,
        clients: &clients::Region,
        call: &Call,
        exchange: &Exchange,
    ) -> Answer {
        let client = clients.s3(call);
        match self {
            Self::CreateBucket => create_bucket(client, call, exchange).await,
            Self::GetObject => get_object(client, call, exchange).await,
            Self::HeadObject => head_object(client, call, exchange).await,
            Self::PutObject => put_object(client, call, exchange).await,
        }
    }
}

async fn create_bucket(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let request: NewBucket = parse(call)?;
    let region = call.scope.region.as_str();
    let place = (region != UNNAMED_REGION).then(|| {
        CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::from(region))
            .build()
    });
    let request = client
        .create_bucket()
        .bucket(request.bucket)
        .set_create_bucket_configuration(place);
    let output = sent!(request, call, exchange, refused)?;
    Ok(members([("Location", text(output.location()))]))
}

async fn put_object(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let request: NewObject = parse(call)?;
    let bytes = call
        .blob
        .as_ref()
        .ok_or_else(|| invalid(call, "there are no bytes to put"))?;
    let request = client
        .put_object()
        .set_expected_bucket_owner(expected_owner(&call.scope, &request.bucket))
        .bucket(request.bucket)
        .key(request.key)
        .set_content_type(request.content_type)
        .set_if_match(request.if_match)
        .set_if_none_match(request.if_none_match)
        .set_metadata(Some(request.metadata.into_iter().collect()))
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .body(ByteStream::from(bytes.to_vec()));
    let output = sent!(request, call, exchange, refused)?;
    Ok(members([
        ("ChecksumSHA256", text(output.checksum_sha256())),
        ("ETag", text(output.e_tag())),
        ("VersionId", text(output.version_id())),
    ]))
}

async fn head_object(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let request: Object = parse(call)?;
    let request = client
        .head_object()
        .set_expected_bucket_owner(expected_owner(&call.scope, &request.bucket))
        .bucket(request.bucket)
        .key(request.key)
        .set_version_id(request.version_id)
        .checksum_mode(ChecksumMode::Enabled);
    let output = sent!(request, call, exchange, refused)?;
    Ok(object_members!(output))
}

async fn get_object(client: &Client, call: &Call, exchange: &Exchange) -> Answer {
    let request: Object = parse(call)?;
    let request = client
        .get_object()
        .set_expected_bucket_owner(expected_owner(&call.scope, &request.bucket))
        .bucket(request.bucket)
        .key(request.key)
        .set_version_id(request.version_id)
        .checksum_mode(ChecksumMode::Enabled);
    let mut output = sent!(request, call, exchange, refused)?;
    let body = read_text(call, std::mem::take(&mut output.body)).await?;
    let mut answer = object_members!(output);
    answer["Body"] = Value::String(body);
    Ok(answer)
}

/// The whole body as text, if it is text and not too long.
async fn read_text(call: &Call, mut stream: ByteStream) -> Result<String, OpError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| OpError::lost(call.op, Failure::of(&error).message()))?;
        if bytes.len() + chunk.len() > limits::TEXT_OBJECT_BYTES_MAX {
            let most = limits::TEXT_OBJECT_BYTES_MAX;
            return Err(invalid(
                call,
                format!("the object is longer than {most} bytes"),
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| invalid(call, "the object is not text in UTF-8"))
}

/// Names that anybody can guess can be taken before we come: their owner is checked with each call.
/// A bucket that was named in the configuration may be another account's on purpose.
fn expected_owner(scope: &Scope, bucket: &str) -> Option<String> {
    let guessable = format!("sagemaker-{}-{}", scope.region, scope.account);
    (bucket == guessable).then(|| scope.account.clone())
}

fn refused<E>(call: &Call, exchange: &Exchange, error: &SdkError<E, HttpResponse>) -> OpError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let SdkError::ServiceError(refusal) = error else {
        return answer::unanswered(call.op, exchange.stage(), Failure::of(error));
    };
    let status = refusal.raw().status().as_u16();
    // The answer to a HEAD has no body that could name the error.
    let code = refusal.err().code().or(match status {
        403 => Some("AccessDenied"),
        404 => Some("NotFound"),
        _ => None,
    });
    let message = refusal.err().message().unwrap_or_default();
    let mut error = answer::refused(call.op, status, code, message);
    error.class = match error.code.as_str() {
        "BucketAlreadyOwnedByYou" => Class::AlreadyExists,
        // Somebody else's.
        "BucketAlreadyExists" => Class::Invalid,
        _ => error.class,
    };
    error
}

fn seconds(time: &DateTime) -> Value {
    Value::from(time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_can_be_guessed_are_tied_to_an_owner() {
        let scope = Scope {
            account: "111122223333".into(),
            region: "eu-west-1".into(),
        };
        let check = |bucket, owner: Option<&str>| {
            assert_eq!(expected_owner(&scope, bucket).as_deref(), owner, "{bucket}");
        };
        check("sagemaker-eu-west-1-111122223333", Some("111122223333"));
        check("sagemaker-eu-west-1-999999999999", None);
        check("team-artefacts", None);
    }
}
