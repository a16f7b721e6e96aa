namespace Lema.Engine.Weights;

public static class ModelPreparer
{
    /// <summary>Metadata key of a prepared file.</summary>
    public const string PreparedKey = "lema.prepared";
}
