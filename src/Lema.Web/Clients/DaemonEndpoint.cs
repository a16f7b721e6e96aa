namespace Lema.Web.Clients;

/// <summary>One daemon of the file of hosts.</summary>
/// <param name="Name">Short name, shown and used in links.</param>
/// <param name="Address">gRPC address, http or https.</param>
/// <param name="Ca">PEM file of the authority that signed the daemon's certificate; null for the system's.</param>
/// <param name="Fingerprint">SHA-256 of the daemon's own certificate, in hexadecimal, to pin it; null to check the chain.</param>
public sealed record DaemonEndpoint(string Name, Uri Address, string? Ca = null, string? Fingerprint = null);
