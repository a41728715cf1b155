-- What Ardour believes the latency to be: of a new plugin, after Scheduling became Burst, and when the session that saved
-- Burst was opened again; each at once and after some sound. A name and a number of samples a line.
-- Usage: ardour7-lua handover.lua SESSION_FOLDER PLUGIN_NAME
local folder, name = arg[1], arg[2]
local RATE_HZ, PATIENCE_S, STEP_S = 48000, 60, 0.25
io.stdout:setvbuf("no") -- Ardour may crash on the way out: lose nothing that we said

local function processor(session)
	local track = session:route_by_name("Speech")
	assert(not track:isnil(), "no track")
	return track:nth_plugin(0)
end

-- Until the latency is another one than `latency`, or patience is over.
local function wait_for_another(session, latency)
	local waited = 0
	while processor(session):to_insert():signal_latency() == latency and waited < PATIENCE_S do
		ARDOUR.LuaAPI.usleep(math.floor(STEP_S * 1e6))
		waited = waited + STEP_S
	end
	return processor(session):to_insert():signal_latency()
end

assert(not AudioEngine:set_backend("None (Dummy)", "", ""):isnil())
local session = assert(create_session(folder, "session", RATE_HZ))
local track = session:new_audio_track(1, 2, nil, 1, "Speech",
	ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true):front()
local plugin = ARDOUR.LuaAPI.new_plugin(session, name, ARDOUR.PluginType.VST3, "")
assert(not plugin:isnil(), "Ardour does not know a VST3 " .. name)
assert(track:add_processor_by_index(plugin, 0, nil, true) == 0, "Ardour does not insert " .. name)
local latency = processor(session):to_insert():signal_latency()
print("new", latency)
for i = 0, processor(session):to_insert():plugin(0):parameter_count() - 1 do
	local _, _, description = ARDOUR.LuaAPI.plugin_automation(processor(session), i)
	if description.label == "Scheduling" then
		assert(ARDOUR.LuaAPI.set_processor_param(processor(session), i, description.upper))
	end
end
print("chosen", wait_for_another(session, latency))
session:save_state("")
close_session()

session = assert(load_session(folder, "session"))
latency = processor(session):to_insert():signal_latency()
print("loaded", latency)
print("played", wait_for_another(session, latency))
os.exit(0)
