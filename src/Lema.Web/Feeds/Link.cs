using Lema.Protocol.Client;

namespace Lema.Web.Feeds;

/// <summary>How a watch stands.</summary>
public enum LinkState
{
    Connecting,
    Live,

    /// <summary>The connection went; it is tried again by itself.</summary>
    Lost,

    /// <summary>The daemon ended the stream: there is nothing more to come.</summary>
    Ended,

    /// <summary>The daemon refused; trying again does not help.</summary>
    Refused,
}

/// <param name="Reason">Why the connection is lost or refused; null otherwise.</param>
public sealed record Link(LinkState State, Failure? Reason = null);
