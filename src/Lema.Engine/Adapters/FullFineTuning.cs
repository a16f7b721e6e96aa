using Lema.Engine.Models;
using static TorchSharp.torch;

namespace Lema.Engine.Adapters;

/// <summary>Float32 masters of parameters of the base model itself.</summary>
public static class FullFineTuning
{
    /// <param name="chosen">Which parameters train; a tied head follows its embedding.</param>
    /// <param name="initial">Base tensor name and shape -> its value, float32.</param>
    /// <param name="storage">Where masters, gradients and moments live; null: in memory. Disposed with the result.</param>
    public static AdapterWeights Create(DecoderModel model, Func<WholeParameter, bool> chosen, Func<WholeParameter, Tensor> initial, IStateStorage? storage = null) =>
        Create(model, chosen, parameter => new TrainedParameter(parameter.Name, parameter.Layer, initial(parameter), storage), storage);

    /// <inheritdoc cref="Create(DecoderModel, Func{WholeParameter, bool}, Func{WholeParameter, Tensor}, IStateStorage?)"/>
    internal static AdapterWeights Create(DecoderModel model, Func<WholeParameter, bool> chosen, Func<WholeParameter, TrainedParameter> make, IStateStorage? storage = null)
    {
        using var scope = NewDisposeScope();
        List<TrainedParameter> parameters = [];
        Dictionary<string, TrainedParameter> whole = [];
        TrainedParameter? embedding = null, head = null;
        foreach (WholeParameter parameter in WholeParameter.All(model).Where(p => !(p.IsHead && model.TiedEmbeddings)).Where(chosen))
        {
            TrainedParameter trained = make(parameter);
            parameters.Add(trained);
            if (parameter.Name == model.EmbeddingName) embedding = trained;
            else if (parameter.IsHead) head = trained;
            else whole[parameter.Name] = trained;
        }
        return new()
        {
            Parameters = parameters,
            Modules = new Dictionary<string, LoraModule>(),
            Whole = whole,
            Storage = storage,
            Embedding = embedding,
            Head = model.TiedEmbeddings ? embedding : head,
        };
    }
}
