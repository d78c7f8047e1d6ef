/* A stand-in for librocm_smi64.so, for tests only: MI250X dies that are busy, the second of each without power. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 2 };

static int odd(uint32_t i) { return i % 2; }

int rsmi_init(uint64_t flags) { (void)flags; return SUCCESS; }
int rsmi_shut_down(void) { return SUCCESS; }

int rsmi_num_monitor_devices(uint32_t *count) {
  const char *told = getenv("STANDIN_GPUS");
  *count = told ? (uint32_t)atoi(told) : 8;
  return SUCCESS;
}

int rsmi_dev_busy_percent_get(uint32_t i, uint32_t *percent) { *percent = 90 + i; return SUCCESS; }
int rsmi_dev_memory_busy_percent_get(uint32_t i, uint32_t *percent) { *percent = 20 + i; return SUCCESS; }
int rsmi_dev_memory_total_get(uint32_t i, int type, uint64_t *bytes) {
  (void)i; (void)type; *bytes = 64ULL << 30; return SUCCESS;
}
int rsmi_dev_memory_usage_get(uint32_t i, int type, uint64_t *bytes) {
  (void)i; (void)type; *bytes = 9ULL << 30; return SUCCESS;
}
int rsmi_dev_power_get(uint32_t i, uint64_t *microwatts, int *type) {
  *type = 0; *microwatts = odd(i) ? 0 : 350000000ULL; return odd(i) ? NOT_SUPPORTED : SUCCESS;
}
int rsmi_dev_power_ave_get(uint32_t i, uint32_t sensor, uint64_t *microwatts) {
  (void)sensor; *microwatts = odd(i) ? 0 : 350000000ULL; return odd(i) ? NOT_SUPPORTED : SUCCESS;
}
int rsmi_dev_power_cap_get(uint32_t i, uint32_t sensor, uint64_t *microwatts) {
  (void)sensor; *microwatts = odd(i) ? 0 : 560000000ULL; return SUCCESS;
}
int rsmi_dev_temp_metric_get(uint32_t i, uint32_t sensor, int metric, int64_t *millidegrees) {
  (void)sensor; (void)metric; *millidegrees = 45000 + 1000 * (int64_t)i; return SUCCESS;
}
int rsmi_dev_energy_count_get(uint32_t i, uint64_t *count, float *resolution, uint64_t *stamp) {
  (void)i; *count = 1000; *resolution = 15.3f; *stamp = 1; return SUCCESS;
}
int rsmi_dev_name_get(uint32_t i, char *text, size_t size) { (void)i; snprintf(text, size, "AMD INSTINCT MI250X"); return SUCCESS; }
int rsmi_dev_vendor_name_get(uint32_t i, char *text, size_t size) { (void)i; snprintf(text, size, "AMD"); return SUCCESS; }
int rsmi_dev_vbios_version_get(uint32_t i, char *text, uint32_t size) { (void)i; snprintf(text, size, "stand-in"); return SUCCESS; }
int rsmi_dev_id_get(uint32_t i, uint16_t *id) { (void)i; *id = 0x7408; return SUCCESS; }
int rsmi_dev_unique_id_get(uint32_t i, uint64_t *id) { *id = 1000 + i; return SUCCESS; }
int rsmi_dev_perf_level_get(uint32_t i, int *level) { (void)i; *level = 0; return SUCCESS; }
int rsmi_dev_overdrive_level_get(uint32_t i, uint32_t *level) { (void)i; *level = 0; return SUCCESS; }
int rsmi_dev_mem_overdrive_level_get(uint32_t i, uint32_t *level) { (void)i; *level = 0; return SUCCESS; }
int rsmi_dev_od_volt_info_get(uint32_t i, void *info) { (void)i; (void)info; return NOT_SUPPORTED; }
