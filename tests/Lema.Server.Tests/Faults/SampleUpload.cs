using Lema.Protocol.V1;

namespace Lema.Server.Tests.Faults;

/// <summary>What a client uploads.</summary>
/// <param name="Files">Contents by path.</param>
internal sealed record SampleUpload(UploadKind Kind, string Name, IReadOnlyDictionary<string, byte[]> Files);
