using Grpc.Core;
using Lema.Protocol.Client;
using Lema.Protocol.V1;
using Lema.Web.Clients;
using Microsoft.AspNetCore.Components;

namespace Lema.Web.Components.Datasets;

/// <summary>Rows of a dataset as a model sees them, a few at a time.</summary>
public sealed partial class DatasetPreview
{
    private PreviewDatasetResponse? _answer;
    private Failure? _problem;
    private long _first;
    private (string, string, string, int, DataSettings?) _shown;

    [Parameter, EditorRequired]
    public DaemonConnection Connection { get; set; } = default!;

    [Parameter, EditorRequired]
    public string Dataset { get; set; } = "";

    [Parameter, EditorRequired]
    public string Model { get; set; } = "";

    /// <summary>Tokens of a row at the most; 0: the daemon's default.</summary>
    [Parameter]
    public int MaxLength { get; set; }

    /// <summary>How a run would read it; null: as runs do by default.</summary>
    [Parameter]
    public DataSettings? Data { get; set; }

    /// <summary>Rows shown at once.</summary>
    [Parameter]
    public int Count { get; set; } = 6;

    protected override async Task OnParametersSetAsync()
    {
        (string, string, string, int, DataSettings?) asked = (Connection.Name, Dataset, Model, MaxLength, Data?.Clone());
        if (_shown == asked) return;
        _shown = asked;
        _first = 0;
        await LoadAsync();
    }

    private async Task TurnAsync(int rows)
    {
        _first = Math.Max(0, _first + rows);
        await LoadAsync();
    }

    private async Task LoadAsync()
    {
        PreviewDatasetRequest request = new() { Name = Dataset, Model = Model, FirstRow = _first, Count = Count, MaxLength = MaxLength, Data = Data };
        try
        {
            _answer = await Connection.Datasets.PreviewDatasetAsync(request, deadline: DaemonConnection.Soon);
            _problem = null;
        }
        catch (RpcException failed)
        {
            _problem = Failure.From(failed);
        }
    }
}
