using Lema.Protocol.Client;
using Lema.Web.Clients;

namespace Lema.Web.ViewModels;

/// <summary>What one host answered to a question that was put to several: the answer, the failure, or neither yet.</summary>
public sealed class HostAnswer<T>(HostAccess host) where T : class
{
    public HostAccess Host => host;

    public T? Value { get; set; }

    public Failure? Failure { get; set; }

    public bool IsAway => Failure is { Kind: FailureKind.Unreachable };
}
