using Lema.Engine.Errors;

namespace Lema.Server.Errors;

/// <summary>Something that cannot be done in the state a thing is in; the message names the state and what is possible.</summary>
public sealed class ConflictException(string message) : LemaException(message);
