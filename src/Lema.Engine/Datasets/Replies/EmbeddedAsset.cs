namespace Lema.Engine.Datasets.Replies;

/// <summary>Files of assets/ that are part of the assembly, so that a deployed program has them wherever it stands.</summary>
internal static class EmbeddedAsset
{
    public static Stream Open(string name) =>
        typeof(EmbeddedAsset).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"the assembly lacks its resource {name}");
}
