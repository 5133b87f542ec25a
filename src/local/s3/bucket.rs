//! Operations on buckets.

use s3s::dto::{
    Bucket, BucketLocationConstraint, BucketVersioningStatus, CreateBucketInput,
    CreateBucketOutput, DeleteBucketInput, DeleteBucketOutput, GetBucketLocationInput,
    GetBucketLocationOutput, GetBucketVersioningInput, GetBucketVersioningOutput, HeadBucketInput,
    HeadBucketOutput, ListBucketsInput, ListBucketsOutput, PutBucketVersioningInput,
    PutBucketVersioningOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::{Backend, SignedRegion, bucket, refused, timestamp};
use crate::local::scope::DEFAULT_REGION;
use crate::resource::call::Scope;
use crate::world::objects::{self, ObjectError, Versioning};

#[expect(clippy::unused_async, reason = "all operations have the trait's shape")]
impl Backend {
    pub(super) async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<CreateBucketOutput> {
        let name = request.input.bucket;
        let region = request.extensions.get::<SignedRegion>();
        let owner = Scope {
            account: self.engine.account().to_owned(),
            region: region.map_or_else(|| DEFAULT_REGION.to_owned(), |signed| signed.0.clone()),
        };
        let now = self.engine.now();
        let location = Some(format!("/{name}"));
        match self
            .engine
            .with_objects_mut(|objects| objects.create_bucket(&owner, &name, now))
        {
            // Creating one's own bucket again is no error in us-east-1.
            Err(ObjectError::BucketAlreadyOwnedByYou) if owner.region == DEFAULT_REGION => {}
            other => other.map_err(refused)?,
        }
        Ok(CreateBucketOutput { location })
    }

    pub(super) async fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<DeleteBucketOutput> {
        let name = request.input.bucket;
        self.engine
            .with_objects_mut(|objects| objects.delete_bucket(&name))
            .map_err(refused)?;
        Ok(DeleteBucketOutput::default())
    }

    pub(super) async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<HeadBucketOutput> {
        let owner = self
            .engine
            .with_objects(|objects| bucket(objects, &request.input.bucket))?;
        Ok(HeadBucketOutput {
            bucket_region: Some(owner.region),
            ..HeadBucketOutput::default()
        })
    }

    pub(super) async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<GetBucketLocationOutput> {
        let owner = self
            .engine
            .with_objects(|objects| bucket(objects, &request.input.bucket))?;
        let location_constraint =
            (owner.region != DEFAULT_REGION).then(|| BucketLocationConstraint::from(owner.region));
        Ok(GetBucketLocationOutput {
            location_constraint,
        })
    }

    pub(super) async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<GetBucketVersioningOutput> {
        let name = request.input.bucket;
        let versioning = self.engine.with_objects(|all| {
            let held = all.bucket(&name).map_err(refused)?;
            Ok::<_, s3s::S3Error>(held.map_or(Versioning::Off, objects::Bucket::versioning))
        })?;
        let status = match versioning {
            Versioning::Off => None,
            Versioning::Enabled => Some(BucketVersioningStatus::ENABLED),
            Versioning::Suspended => Some(BucketVersioningStatus::SUSPENDED),
        };
        Ok(GetBucketVersioningOutput {
            status: status.map(BucketVersioningStatus::from_static),
            ..GetBucketVersioningOutput::default()
        })
    }

    pub(super) async fn put_bucket_versioning(
        &self,
        request: S3Request<PutBucketVersioningInput>,
    ) -> S3Result<PutBucketVersioningOutput> {
        let input = request.input;
        let status = input.versioning_configuration.status;
        let versioning = match status.as_ref().map(BucketVersioningStatus::as_str) {
            Some(BucketVersioningStatus::ENABLED) => Versioning::Enabled,
            Some(BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
            _ => {
                return Err(s3_error!(
                    IllegalVersioningConfigurationException,
                    "The Versioning element must be specified"
                ));
            }
        };
        let now = self.engine.now();
        self.engine
            .with_objects_mut(|objects| objects.set_versioning(&input.bucket, versioning, now))
            .map_err(refused)?;
        Ok(PutBucketVersioningOutput::default())
    }

    pub(super) async fn list_buckets(
        &self,
        _request: S3Request<ListBucketsInput>,
    ) -> S3Result<ListBucketsOutput> {
        let buckets = self.engine.with_objects(|objects| {
            objects
                .buckets()
                .map(|(name, bucket)| Bucket {
                    name: Some(name.to_owned()),
                    creation_date: Some(timestamp(bucket.created)),
                    ..Bucket::default()
                })
                .collect()
        });
        Ok(ListBucketsOutput {
            buckets: Some(buckets),
            ..ListBucketsOutput::default()
        })
    }
}
