using Google.Protobuf.Reflection;
using Lema.Protocol.V1;

namespace Lema.Server.Security;

/// <summary>The role that each call needs, as the protos state it. A call that is not listed is refused to everybody.</summary>
internal static class MethodRoles
{
    /// <summary>The services that a daemon serves to clients.</summary>
    public static readonly IReadOnlyList<FileDescriptor> Served =
    [
        ModelsReflection.Descriptor, DatasetsReflection.Descriptor, TrainingReflection.Descriptor, ChatReflection.Descriptor, ExportsReflection.Descriptor, EvaluationReflection.Descriptor,
        ArtifactsReflection.Descriptor, HostReflection.Descriptor, TelemetryReflection.Descriptor,
    ];

    /// <summary>Services of gRPC itself: a health probe and a tool that asks what there is may come with any token.</summary>
    private static readonly string[] ForEveryToken = ["/grpc.health.v1.Health/", "/grpc.reflection.v1.ServerReflection/", "/grpc.reflection.v1alpha.ServerReflection/"];

    private static readonly Dictionary<string, Role> ByPath = Served
        .SelectMany(file => file.Services).SelectMany(service => service.Methods)
        .ToDictionary(method => $"/{method.Service.FullName}/{method.Name}", method => method.GetOptions()?.GetExtension(AccessExtensions.RequiredRole) ?? Role.Unspecified);

    /// <summary>Null when no role is enough.</summary>
    public static Role? Required(string path)
    {
        if (ByPath.TryGetValue(path, out Role role) && role != Role.Unspecified) return role;
        return ForEveryToken.Any(prefix => path.StartsWith(prefix, StringComparison.Ordinal)) ? Role.Viewer : null;
    }
}
