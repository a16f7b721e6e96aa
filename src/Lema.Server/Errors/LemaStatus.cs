using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Lema.Engine.Errors;
using Lema.Protocol.Client;
using Lema.Server.Storage;

namespace Lema.Server.Errors;

/// <summary>The one place where failures that a user can cause become gRPC statuses with google.rpc details.</summary>
internal static class LemaStatus
{
    /// <summary>The status of a failure; null for what is a fault of the program.</summary>
    public static RpcException? From(Exception error) => error switch
    {
        InvalidInputsException several => Build(Code.InvalidArgument, error, Violations(several.Problems)),
        InvalidInputException one => Build(Code.InvalidArgument, error, Violations([one])),
        NotFoundException missing => Build(Code.NotFound, error, new ResourceInfo { ResourceType = missing.Kind, ResourceName = missing.Name, Description = missing.Message }),
        BudgetExceededException budget => Build(Code.ResourceExhausted, error, new ErrorInfo
        {
            Domain = Failure.ErrorDomain, Reason = Failure.BudgetReason,
            Metadata =
            {
                ["requiredBytes"] = budget.RequiredBytes.ToString(CultureInfo.InvariantCulture), ["budgetBytes"] = budget.BudgetBytes.ToString(CultureInfo.InvariantCulture),
            },
        }),
        DiskSpaceException => Build(Code.ResourceExhausted, error, new ErrorInfo { Domain = Failure.ErrorDomain, Reason = "DISK_FULL" }),
        _ when FullDisk.IsWhy(error) => Build(Code.ResourceExhausted, new IOException("The disk that holds the daemon's data is full. Free space there and try again.", error), new ErrorInfo { Domain = Failure.ErrorDomain, Reason = "DISK_FULL" }),
        StorageException storage => Build(Code.DataLoss, error, new ErrorInfo
        {
            Domain = Failure.ErrorDomain, Reason = "STORAGE",
            Metadata = { ["file"] = storage.File, ["offset"] = storage.Offset.ToString(CultureInfo.InvariantCulture) },
        }),
        ConflictException => Build(Code.FailedPrecondition, error),
        LemaException => Build(Code.FailedPrecondition, error),
        _ => null,
    };

    private static BadRequest Violations(IEnumerable<InvalidInputException> problems) => new()
    {
        FieldViolations =
        {
            problems.Select(p => new BadRequest.Types.FieldViolation { Field = p.Place.Length == 0 ? p.InputSource : p.Place, Description = p.Message }),
        },
    };

    private static RpcException Build(Code code, Exception error, params IMessage[] details)
    {
        Google.Rpc.Status status = new() { Code = (int)code, Message = error.Message };
        status.Details.AddRange(details.Select(Any.Pack));
        return status.ToRpcException();
    }
}
