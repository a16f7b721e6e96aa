using Lema.Protocol.V1;

namespace Lema.Server.Models;

/// <summary>A registered model: a name and the folder behind it.</summary>
/// <param name="Added">Null for the embedded model, which was never added.</param>
internal sealed record ModelRecord(string Name, ModelOrigin Origin, string Folder, DateTimeOffset? Added);
