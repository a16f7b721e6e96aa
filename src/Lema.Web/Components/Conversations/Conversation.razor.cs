using Lema.Web.Components.Controls;
using Lema.Web.Conversations;
using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;

namespace Lema.Web.Components.Conversations;

/// <summary>The turns of a conversation and the box to go on with it. Enter sends, Shift+Enter makes a line; leaving the page stops the reply.</summary>
public sealed partial class Conversation : IAsyncDisposable
{
    private ElementReference _scroller;
    private ElementReference _ask;
    private FormDraft _draft = default!;
    private IJSObjectReference? _module;
    private CancellationTokenSource? _asking;
    private IReadOnlyList<ChatLane> _shown = [];
    private string _question = "";
    private int _renderPending;
    private bool _left;

    [Inject]
    private IJSRuntime Js { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [Parameter, EditorRequired]
    public IReadOnlyList<ChatLane> Lanes { get; set; } = [];

    [Parameter]
    public ChatOptions Options { get; set; } = new();

    [Parameter]
    public string EmptyText { get; set; } = "Ask something.";

    [Parameter]
    public IReadOnlyList<string> Examples { get; set; } = [];

    /// <summary>Raised when a question is asked and when the conversation has come to rest, so that the page around it can follow.</summary>
    [Parameter]
    public EventCallback BusyChanged { get; set; }

    public bool IsBusy => _asking is not null;

    private int TurnCount => Lanes.Count > 0 ? Lanes[0].Turns.Count : 0;

    public void Stop() => _asking?.Cancel();

    public async ValueTask DisposeAsync()
    {
        _left = true;
        _asking?.Cancel();
        await _draft.DisposeAsync();
        try
        {
            if (_module is not null) await _module.DisposeAsync();
        }
        catch (JSDisconnectedException)
        {
            // The browser has gone.
        }
    }

    // One question a page: a run's own is not that of the page of chats.
    protected override void OnInitialized() => _draft = new(Js, "lema-question:" + new Uri(Navigation.Uri).AbsolutePath);

    /// <summary>Another conversation: what the one before was waiting for is stopped, and a question that is not sent yet stays in the box.</summary>
    protected override void OnParametersSet()
    {
        if (_shown.SequenceEqual(Lanes)) return;
        _shown = Lanes;
        Stop();
    }

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        try
        {
            if (firstRender)
            {
                _module = await Js.InvokeAsync<IJSObjectReference>("import", "./js/conversation.js");
                await _draft.WatchAsync(_ask);
            }
            if (_module is not null && TurnCount > 0 && !_left) await _module.InvokeVoidAsync("keepAtEnd", _scroller);
        }
        catch (JSDisconnectedException)
        {
            // The page was left in between.
        }
    }

    private async Task AskAsync(string question)
    {
        if (IsBusy || string.IsNullOrWhiteSpace(question) || Lanes.Count == 0) return;
        using CancellationTokenSource asking = new();
        _asking = asking;
        _question = "";
        try
        {
            Task replies = Task.WhenAll(Lanes.Select(lane => lane.AskAsync(question.Trim(), Options, RenderSoon, asking.Token)));
            await _draft.ForgetAsync();
            await BusyChanged.InvokeAsync();
            await replies;
        }
        finally
        {
            _asking = null;
        }
        await BusyChanged.InvokeAsync();
    }

    /// <summary>Pieces that come while a rendering is on its way are shown by it.</summary>
    private void RenderSoon()
    {
        if (Interlocked.Exchange(ref _renderPending, 1) == 1) return;
        _ = InvokeAsync(() =>
        {
            Volatile.Write(ref _renderPending, 0);
            StateHasChanged();
        });
    }
}
