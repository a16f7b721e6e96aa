namespace Lema.EndToEnd.Tests;

/// <summary>Each class has a daemon whose workers use every core: side by side they would only slow each other down.</summary>
[CollectionDefinition(Name)]
public sealed class OneAtATime
{
    public const string Name = "one daemon at a time";
}
