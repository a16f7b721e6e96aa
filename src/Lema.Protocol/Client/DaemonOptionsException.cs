namespace Lema.Protocol.Client;

/// <summary>A daemon's address, token file or certificate that cannot be used; the message says why and what to do.</summary>
public sealed class DaemonOptionsException(string message, Exception? inner = null) : Exception(message, inner);
