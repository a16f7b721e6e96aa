using Google.Protobuf.WellKnownTypes;
using Lema.Protocol.V1;
using Lema.Server.Storage;

namespace Lema.Server.Artifacts;

/// <summary>Files of a folder in the terms of the protocol.</summary>
internal static class ArtifactFiles
{
    public static IEnumerable<FileEntry> List(string folder) => Folders.Files(folder).Select(item => new FileEntry
    {
        Path = item.Path, SizeBytes = item.File.Length, Modified = Timestamp.FromDateTime(item.File.LastWriteTimeUtc),
    });
}
