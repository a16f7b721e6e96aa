namespace Lema.Engine.Streaming;

/// <summary>Whether weights are read past the page cache.</summary>
public enum DirectIo
{
    /// <summary>Whichever is faster for this model now, by a short measurement (a model that is in the page cache is read from there).</summary>
    Auto,

    /// <summary>Past the page cache wherever the file system can.</summary>
    On,

    Off,
}
