/* A stand-in for librocm_smi64.so: the calls that wandb-symon 0.31.0 makes, with values of MI250X dies.
 * Signatures follow rocm_smi.h. Built with -DCOUNT=8 -DINIT=0 -DBUSY=1 -DREAL=1 -DHARM=0; status 2 means "not supported".
 * HARM: 1 hangs at the start, 2 dies at the start, 3 hangs when it is asked for values, 4 dies then. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { OK = 0, NOT_SUPPORTED = 2 };

static uint32_t moment(void) { return (uint32_t)(time(NULL) % 8); }

static void harm(int how) {
    if (HARM == how) for (;;) sleep(60);
    if (HARM == how + 1) abort();
}

int rsmi_init(uint64_t flags) { (void)flags; harm(1); return INIT; }
int rsmi_shut_down(void) { return OK; }
int rsmi_num_monitor_devices(uint32_t *count) { *count = COUNT; return OK; }

int rsmi_dev_busy_percent_get(uint32_t die, uint32_t *percent) {
    harm(3);
    *percent = BUSY ? 90 + (die + moment()) % 10 : 0;
    return OK;
}
int rsmi_dev_memory_total_get(uint32_t die, int kind, uint64_t *bytes) {
    (void)die; (void)kind;
    *bytes = REAL ? 68702699520u : 0;
    return OK;
}
int rsmi_dev_memory_usage_get(uint32_t die, int kind, uint64_t *bytes) {
    (void)die; (void)kind;
    *bytes = BUSY ? 27481079808u + 687026995u * moment() : 0;
    return OK;
}
int rsmi_dev_memory_busy_percent_get(uint32_t die, uint32_t *percent) { (void)die; *percent = BUSY ? 20 : 0; return OK; }
int rsmi_dev_mem_overdrive_level_get(uint32_t die, uint32_t *level) { (void)die; *level = 0; return OK; }
int rsmi_dev_overdrive_level_get(uint32_t die, uint32_t *level) { (void)die; *level = 0; return OK; }

/* Microwatts. The second die of a module has no sensor. */
static int microwatts(uint32_t die, uint64_t *power) {
    if (die % 2) return NOT_SUPPORTED;
    *power = REAL ? ((BUSY ? 380u : 89u) + 3u * die + moment()) * 1000000ull : 0;
    return OK;
}
int rsmi_dev_power_get(uint32_t die, uint64_t *power, int *kind) { *kind = 0; return microwatts(die, power); }
int rsmi_dev_power_ave_get(uint32_t die, uint32_t sensor, uint64_t *power) { (void)sensor; return microwatts(die, power); }
int rsmi_dev_power_cap_get(uint32_t die, uint32_t sensor, uint64_t *power) {
    (void)sensor;
    *power = die % 2 ? 0 : 560000000ull;
    return OK;
}
int rsmi_dev_energy_count_get(uint32_t die, uint64_t *count, float *resolution, uint64_t *nanoseconds) {
    *resolution = 15.3f;
    *nanoseconds = (uint64_t)time(NULL) * 1000000000ull;
    *count = REAL ? 13913808507170ull + (uint64_t)time(NULL) : 0;
    return die % 2 ? NOT_SUPPORTED : OK;
}
/* Millidegrees Celsius. */
int rsmi_dev_temp_metric_get(uint32_t die, uint32_t sensor, int metric, int64_t *value) {
    (void)sensor; (void)metric;
    *value = REAL ? 1000 * (int64_t)((BUSY ? 45 : 36) + die + moment() % 4) : 0;
    return OK;
}

int rsmi_dev_name_get(uint32_t die, char *text, size_t size) {
    (void)die;
    snprintf(text, size, "AMD INSTINCT MI200 (MCM) OAM LC MBA HPE C2");
    return OK;
}
int rsmi_dev_vendor_name_get(uint32_t die, char *text, size_t size) {
    (void)die;
    snprintf(text, size, "Advanced Micro Devices, Inc. [AMD/ATI]");
    return OK;
}
int rsmi_dev_vbios_version_get(uint32_t die, char *text, uint32_t size) {
    (void)die;
    snprintf(text, size, "113-D65201-046");
    return OK;
}
int rsmi_dev_id_get(uint32_t die, uint16_t *id) { (void)die; *id = 0x7408; return OK; }
int rsmi_dev_unique_id_get(uint32_t die, uint64_t *id) { *id = 0x87fc3ea34b223600ull + die; return OK; }
int rsmi_dev_perf_level_get(uint32_t die, int *level) { (void)die; *level = 0; return OK; }
int rsmi_dev_od_volt_info_get(uint32_t die, void *ranges) { (void)die; (void)ranges; return NOT_SUPPORTED; }
